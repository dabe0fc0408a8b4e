// A submitting process of queue.js.
import { parseParameters } from './parameters.js'

/** Servers run for weeks: what V8 has not compiled yet, here or there, is not to count. */
const warmUpMs = 5000
const pauseMs = 10

const [queue, ...words] = process.argv.slice(2)
const parameters = parseParameters(words)
const { window, payload } = parameters
const { openClient } = await import(`./queues/${queue}.js`)
const client = await openClient(parameters)

process.on('message', (question) => {
  answer(question).then(
    (told) => process.send(told),
    (error) => {
      process.stderr.write(`${error.stack}\n`)
      process.exit(1)
    },
  )
})
process.send('ready')

async function answer({ warmUp, jobs, oneByOne }) {
  if (warmUp) {
    const { length } = await addUntil(Number.POSITIVE_INFINITY, performance.now() + warmUpMs)
    return { count: length }
  }
  if (!oneByOne) return { latenciesMs: Float64Array.from(await addUntil(jobs, Number.POSITIVE_INFINITY)) }
  for (let i = 0; i < jobs; i++) {
    await client.add(text())
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
  return {}
}

/** When it was submitted, by a clock that all processes have, and as many bytes as it is to have. */
function text() {
  return `${process.hrtime.bigint()} `.padEnd(payload, 'x')
}

/** Resolves with the milliseconds that each took. */
async function addUntil(jobsMax, endMs) {
  const taken = []
  let left = jobsMax
  const addOneByOne = async () => {
    let nowMs = performance.now()
    while (left > 0 && nowMs < endMs) {
      left--
      await client.add(text())
      const sentMs = nowMs
      nowMs = performance.now()
      taken.push(nowMs - sentMs)
    }
  }
  await Promise.all(Array.from({ length: window }, addOneByOne))
  return taken
}
