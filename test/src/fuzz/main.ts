import { parseArgs } from 'node:util'
import { FuzzFailure, fuzzRound } from './round.ts'
import { startWatchdog } from './watchdog.ts'

const usage = `npm run fuzz -- --seconds 60              as many rounds as fit, from a seed of its own
npm run fuzz -- --seed 123 --seconds 0    the round of that seed
`

const values = readArguments()
const first = wholeNumber('seed', values.seed)
const endAt = Date.now() + wholeNumber('seconds', values.seconds) * 1000

process.stdout.write(`fuzz: from seed ${first} on\n`)
const watchdog = startWatchdog()
let seed = first
try {
  do {
    watchdog.begin(seed)
    await fuzzRound(seed++)
  } while (Date.now() < endAt)
  process.stdout.write(`fuzz: ${seed - first} rounds, nothing found\n`)
} catch (error) {
  if (!(error instanceof FuzzFailure)) throw error
  process.stdout.write(`fuzz: ${error.message}\n`)
  process.exitCode = 1
} finally {
  await watchdog.stop()
}

function wholeNumber(name: string, value: string): number {
  if (/^\d{1,15}$/.test(value)) return Number(value)
  process.stderr.write(`--${name} takes a whole number, not ${value}\n`)
  process.exit(2)
}

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
        seconds: { type: 'string', default: '10' },
        help: { type: 'boolean', default: false },
      },
    })
    if (!values.help) return values
    process.stdout.write(usage)
    process.exit(0)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
    process.exit(2)
  }
}
