import { priorities, type Submission } from '@geartrain/engine'
import type { EngineRules } from './engine-rules.ts'
import { perform } from './rules.ts'

/*
 * The commands of the rules, and those of policies, which the naive model has not:
 *
 *   policy f attempts=3 timeoutMs=500          the policy of f, with what is not said as gearmand has it
 *   prioritize #1 high                         a job goes to the end of another line
 *   wes cancellation                           the worker wants to be told that a job is its own no longer
 *   ann SUBMIT_THEN f u hello g                a background job whose result goes on to g
 *   ann SUBMIT_WITH f u hello attempts=2       a background job with options of its own, words of a policy
 *   ann SUBMIT_AT f u hello 500 ttlMs=9        the same, not before that time
 *   ann SUBMIT_WAIT f u hello attempts=2       the same, in the foreground
 */
export function performWithPolicies(line: string, rules: EngineRules): string[] {
  const [first = '', ...rest] = line.split(' ').map((word) => (word === "''" ? '' : word))
  if (first === 'policy') {
    const [name = '', ...words] = rest
    rules.setPolicy(name, words)
    return []
  }
  if (first === 'prioritize') {
    const [number = '', name = ''] = rest
    const priority = Object.entries(priorities).find(([known]) => known === name)?.[1] ?? priorities.normal
    return [rules.prioritize(Number(number.slice(1)), priority)]
  }
  const [command = '', ...args] = rest
  const read = submissions.get(command)
  if (command !== 'cancellation' && read === undefined) return perform(line, rules)
  rules.connect(first)
  rules.settleGrab(first)
  if (read === undefined) rules.wantCancellation(first)
  else rules.submit(first, { ...submission(args), ...read(args.slice(3)) })
  return []
}

/** What the words behind function, unique and workload say. */
const submissions = new Map<string, (words: readonly string[]) => Partial<Submission>>([
  ['SUBMIT_THEN', ([then = '']) => ({ then })],
  ['SUBMIT_WITH', (words) => ({ options: words.join(' ') })],
  ['SUBMIT_AT', ([runAt = '', ...words]) => ({ runAt: Number(runAt), options: words.join(' ') })],
  ['SUBMIT_WAIT', (words) => ({ options: words.join(' '), background: false })],
])

function submission([name = '', unique = '', workload = '']: readonly string[]): Submission {
  const { normal: priority } = priorities
  const more = { reducer: '', then: '', options: '', trace: '' }
  return { function: name, unique, workload: Buffer.from(workload), priority, background: true, runAt: 0, ...more }
}
