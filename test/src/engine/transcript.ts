import { assertInvariants, type EngineOptions, engineDefaults } from '@geartrain/engine'
import { DurableRules, performDurably } from './durable-rules.ts'
import { EngineRules } from './engine-rules.ts'
import { performWithPolicies } from './policy-rules.ts'
import { perform, type Rules } from './rules.ts'
import { performShared, SharedRules } from './shared-rules.ts'

/*
 * Scenarios: what is said to the engine, and what comes of it.
 *
 *   scenario two clients wait for the same job       a new engine begins
 *   options wakeCount=2 attemptsMax=3                ... with these options, if not the defaults
 *
 *   ann SUBMIT_JOB f u hello                         commands; `''` is an empty word, `at 500` sets the time,
 *   bob SUBMIT_JOB f u other                         `jobs`, `functions` and `next` show what stands where
 *   ----
 *   ann < JOB_CREATED #1                             answers and events, in order
 *   bob < JOB_CREATED #1
 *
 * A block is a turn of the server: at its end, grabs that have found nothing get NO_JOB. Paragraphs are parted by one
 * empty line; lines that begin with `#` before the dashes are remarks.
 *
 * In `policy-*.txt` functions have policies (see policy-rules.ts), which the naive model does not play; lines that begin
 * with `keeper:` say what is remembered of their jobs.
 *
 * In `durable-*.txt` the engine has a store. What a turn wants to be remembered is on its way at the turn's end,
 * unless something else is; it then waits for that. What becomes of it is said in a later turn:
 *
 *   commit                 it is kept, and what was asked is answered; lines that begin with `store:` say what it was
 *   commit fails           nothing of it is written, and what was asked is answered
 *   commit is not read     it is kept, and what was asked can't be read
 *   store dies             nothing of it is kept, nothing is answered, until the store is opened anew: `reopen`
 *   store dies late        the same, but it has been kept
 *   crash, crash late      the server is gone with all its sessions, and another one has opened the store
 *   revive #1              a dead job is to be tried again
 *   store                  shows what the store has, `functions` how much of it the engine counts as on disk alone
 *
 * In `shared-*.txt` others use the store as well; see shared-rules.ts. Sessions whose names begin with `server` are theirs.
 *
 * A session that was promised a reply sees nothing that comes after it until the store has answered.
 */

const dashes = '----'

export interface Scenario {
  readonly title: string
  readonly options: Partial<EngineOptions>
  readonly paragraphs: readonly string[]
}

export function parseScenarios(text: string): Scenario[] {
  const scenarios: { title: string; options: Partial<EngineOptions>; paragraphs: string[] }[] = []
  for (const paragraph of text.trimEnd().split('\n\n')) {
    const title = /^scenario (.+)$/m.exec(paragraph)?.[1]
    const options = /^options (.+)$/m.exec(paragraph)?.[1] ?? ''
    if (title !== undefined) scenarios.push({ title, options: parseOptions(options), paragraphs: [] })
    const scenario = scenarios.at(-1) ?? { title: '', options: {}, paragraphs: [] }
    if (scenarios.length === 0) scenarios.push(scenario)
    scenario.paragraphs.push(paragraph)
  }
  return scenarios
}

function parseOptions(text: string): Partial<EngineOptions> {
  const entries = text.split(' ').filter((entry) => entry !== '')
  return Object.fromEntries(
    entries.map((entry) => {
      const [name = '', value = ''] = entry.split('=')
      if (!(name in engineDefaults)) throw new Error(`no option: ${name}`)
      return [name, value === 'true' ? true : Number(value)]
    }),
  )
}

function answer(command: string, rules: Rules): string[] {
  if (rules instanceof SharedRules) return performShared(command, rules)
  if (rules instanceof DurableRules) return performDurably(command, rules)
  return rules instanceof EngineRules ? performWithPolicies(command, rules) : perform(command, rules)
}

/** The same text, with what these rules answer behind the dashes. */
export function play(scenario: Scenario, rules: Rules): string {
  const paragraphs = scenario.paragraphs.map((paragraph) => {
    const lines = paragraph.split('\n')
    const end = lines.indexOf(dashes)
    if (end < 0) return paragraph
    const commands = lines.slice(0, end).filter((line) => !line.startsWith('#'))
    const answers = [...commands, 'settle'].flatMap((command) => {
      const answered = answer(command, rules)
      if (rules instanceof EngineRules) assertInvariants(rules.engine)
      return [...rules.takeEvents(), ...answered]
    })
    return [...lines.slice(0, end + 1), ...answers].join('\n')
  })
  return paragraphs.join('\n\n')
}
