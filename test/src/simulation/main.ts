import { parseArgs } from 'node:util'
import { failureReport, summary } from './report.ts'
import { simulate, stepsDefault } from './simulation.ts'

// npm run sim -- --seed 123                   one simulation
// npm run sim -- --seed 123 --count 1000      a thousand, from that seed on
// npm run sim -- --seed 123 --trace           with all that happens in it

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    count: { type: 'string', default: '1' },
    steps: { type: 'string', default: String(stepsDefault) },
    trace: { type: 'boolean', default: false },
  },
})
const first = wholeNumber('seed', values.seed)
const count = wholeNumber('count', values.count)
const steps = wholeNumber('steps', values.steps)

let failures = 0
for (let seed = first; seed < first + count; seed++) {
  const result = await simulate({ seed, steps, ...(values.trace ? { print: say } : {}) })
  if (result.fault !== undefined) {
    failures++
    say(failureReport(values.trace ? { ...result, lastEvents: [] } : result))
  } else if (count === 1) say(summary(result))
  else if ((seed - first + 1) % 100 === 0) say(`${seed - first + 1} of ${count} done, ${failures} failed`)
}
if (count > 1) say(`${count} simulations from seed ${first} on, ${failures} failed`)
process.exitCode = failures > 0 ? 1 : 0

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function wholeNumber(name: string, value: string): number {
  if (/^\d{1,15}$/.test(value)) return Number(value)
  process.stderr.write(`--${name} takes a whole number, not ${value}\n`)
  process.exit(2)
}
