import { parseArgs } from 'node:util'
import { missingPostgres } from '../../support/postgres/binaries.ts'
import { deck } from './plan.ts'
import { missingPrograms } from './programs.ts'
import { failureReport, summary } from './report.ts'
import { tortureCluster } from './torture.ts'

const usage = `npm run torture:cluster -- --minutes 60             breaks servers, database and network for an hour, from a seed of its own
npm run torture:cluster -- --seed 123 --rounds 60   the rounds of that seed, so many of them

  --minutes <n>    how long; 1 unless --rounds is given
  --rounds <n>     how many rounds at most
  --seed <n>       what is done is drawn from it; when it happens is the machine's
  --only <kinds>   only these things happen: ${deck.join(', ')}
  --json           the result as JSON
`

const values = readArguments()
const seed = wholeNumber('seed', values.seed)
const rounds = values.rounds === undefined ? undefined : wholeNumber('rounds', values.rounds)
const minutes = values.minutes === undefined ? undefined : wholeNumber('minutes', values.minutes)

const only = values.only?.split(',').map((kind) => {
  return deck.find((each) => each === kind.trim()) ?? refuse(`--only does not know ${kind}`)
})

let isStopped = false
process.once('SIGINT', () => {
  isStopped = true
})
const missing = missingPostgres()
if (missing !== undefined) refuse(missing)
say(`torture of a cluster: seed ${seed}`)
for (const sentence of missingPrograms()) say(`left out: ${sentence}`)
const result = await tortureCluster({
  seed,
  ...(rounds === undefined ? {} : { rounds }),
  ...(rounds !== undefined && minutes === undefined ? {} : { untilMs: Date.now() + (minutes ?? 1) * 60_000 }),
  ...(only === undefined ? {} : { kinds: only }),
  isStopped: () => isStopped,
  onRound(round, events, seen) {
    say(`round ${round}: ${events}; ${seen.get('acknowledged') ?? 0} jobs so far`)
  },
})
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
        only: { type: 'string' },
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
