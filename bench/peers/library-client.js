// The client's process of library.js.
import { once } from 'node:events'
import { parseParameters } from './parameters.js'

const warmUpMs = 500

const [library, mode, ...words] = process.argv.slice(2)
const { port, window, batch = 0, jobs, timeMs, payload } = parseParameters(words)
const { openClient } = await import(`./libraries/${library}.js`)
process.once('SIGTERM', () => process.exit())

const client = await openClient(port)
const data = 'x'.repeat(payload)
const batchOfData = Array.from({ length: batch }, () => data)
const doOne = { submit, add, addMany }[batch > 0 ? 'addMany' : mode === 'background' ? 'add' : 'submit']

// What V8 has not compiled yet is not to count.
await doUntil(Number.POSITIVE_INFINITY, performance.now() + warmUpMs)
process.send('ready')
await once(process, 'message')

const cpu = process.cpuUsage()
const beginMs = performance.now()
const latenciesMs = await doUntil(jobs, timeMs > 0 ? beginMs + timeMs : Number.POSITIVE_INFINITY)
const ms = performance.now() - beginMs
const { user, system } = process.cpuUsage(cpu)
process.send({
  jobs: latenciesMs.length * Math.max(1, batch),
  ms,
  latenciesMs: Float64Array.from(latenciesMs),
  cpuUs: user + system,
})

async function submit() {
  const length = await client.submit(data)
  if (length !== payload) throw new Error(`a result of ${length} bytes`)
}

async function add() {
  await client.add(data)
}

async function addMany() {
  await client.addMany(batchOfData)
}

/** Resolves with the milliseconds that each took. */
async function doUntil(jobsMax, endMs) {
  const taken = []
  let left = jobsMax
  let nowMs = performance.now()
  const doOneByOne = async () => {
    while (left > 0 && nowMs < endMs) {
      left -= Math.max(1, batch)
      const sentMs = nowMs
      await doOne()
      nowMs = performance.now()
      taken.push(nowMs - sentMs)
    }
  }
  await Promise.all(Array.from({ length: window }, doOneByOne))
  return taken
}
