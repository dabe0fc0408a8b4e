import { createWriteStream } from 'node:fs'
import { parseArgs } from 'node:util'
import { failureReport, summary } from './report.ts'
import { torture } from './torture.ts'

const usage = `npm run torture -- --minutes 60             kills the server for an hour, from a seed of its own
npm run torture -- --seed 123 --rounds 60   the rounds of that seed, so many of them

  --minutes <n>    how long; 1 unless --rounds is given
  --rounds <n>     how many rounds at most
  --seed <n>       what is done is drawn from it; when it happens beside what is the machine's, so that a run is never
                   quite the same again
  --store <kind>   sqlite, or memory, with which nothing is killed (default: sqlite)
  --trace <file>   everything that happens, a line for each event
  --json           the result as JSON
`

const values = readArguments()
const seed = wholeNumber('seed', values.seed)
const rounds = values.rounds === undefined ? undefined : wholeNumber('rounds', values.rounds)
const minutes = values.minutes === undefined ? undefined : wholeNumber('minutes', values.minutes)
const { store } = values
if (store !== 'sqlite' && store !== 'memory') refuse(`--store takes sqlite or memory, not ${store}`)

const trace = values.trace === undefined ? undefined : createWriteStream(values.trace, { encoding: 'latin1' })
let isStopped = false
process.once('SIGINT', () => {
  isStopped = true
})

const progressMs = 10_000
let nextProgressMs = Date.now() + progressMs
say(`torture: seed ${seed}`)
const result = await torture({
  seed,
  store,
  ...(rounds === undefined ? {} : { rounds }),
  ...(rounds !== undefined && minutes === undefined ? {} : { untilMs: Date.now() + (minutes ?? 1) * 60_000 }),
  ...(trace === undefined ? {} : { print: (event: string) => trace.write(`${event}\n`) }),
  isStopped: () => isStopped,
  onRound({ round, kills, jobs, live }) {
    if (Date.now() < nextProgressMs) return
    nextProgressMs = Date.now() + progressMs
    say(`round ${round}: ${kills} kills, ${jobs} jobs, ${live} of them alive`)
  },
})
trace?.end()
process.stdout.write(`${values.json ? JSON.stringify(result, undefined, 2) : summary(result)}\n`)
if (result.fault !== undefined) {
  process.exitCode = 1
  if (!values.json) process.stdout.write(`${failureReport(result)}\n`)
}

/** To stderr: stdout is the result's. */
function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

function wholeNumber(name: string, value: string): number {
  if (/^\d{1,9}$/.test(value)) return Number(value)
  return refuse(`--${name} takes a whole number of at most 9 digits, not ${value}`)
}

function refuse(why: string): never {
  process.stderr.write(`${why}\n\n${usage}`)
  process.exit(2)
}

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
        minutes: { type: 'string' },
        rounds: { type: 'string' },
        store: { type: 'string', default: 'sqlite' },
        trace: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    if (!values.help) return values
    process.stdout.write(usage)
    process.exit(0)
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error))
  }
}
