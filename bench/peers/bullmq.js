// The load for BullMQ: the parameters and the line of JSON are those of load/load.c, of which it does `background` without
// a drain. It has to be JavaScript, because BullMQ's clients are: they share the cores with their Redis, one process on
// each core, as whoever wants most of BullMQ would do it.
//
//   node bullmq.js background port=N pid=N clients=N window=N jobs=N timeMs=N payload=BYTES unique=0|1
//
// Every client is a Queue with a connection of its own that keeps `window` adds in flight. Options are as they come. With
// `unique=1` each job gets a random UUID as its id, which is what BullMQ compares.
import { fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { Queue } from 'bullmq'

const parameters = Object.fromEntries(
  process.argv.slice(3).map((argument) => {
    const [name, value] = argument.split('=')
    return [name, Number(value)]
  }),
)

if (process.send === undefined) await main()
else await part()

async function main() {
  const { clients, jobs, pid } = parameters
  const count = Math.min(clients, availableParallelism())
  const parts = []
  for (let index = 0; index < count; index++) {
    const share = { clients: share_of(clients, count, index), jobs: share_of(jobs, count, index) }
    const args = Object.entries({ ...parameters, ...share }).map(([name, value]) => `${name}=${value}`)
    parts.push(fork(fileURLToPath(import.meta.url), ['background', ...args], { serialization: 'advanced' }))
  }
  await Promise.all(parts.map((child) => once(child, 'message')))

  const cpuSeconds = cpuSecondsOf(pid)
  const start = performance.now()
  const ended = parts.map((child) => once(child, 'message'))
  for (const child of parts) child.send('go')
  const latencies = (await Promise.all(ended)).flatMap(([latenciesMs]) => [...latenciesMs]).sort((a, b) => a - b)
  const seconds = (performance.now() - start) / 1000
  const done = latencies.length
  process.stdout.write(
    `${JSON.stringify({
      rate: done / seconds,
      p50Ms: latencies[Math.floor((done - 1) / 2)],
      p99Ms: latencies[Math.floor(((done - 1) * 99) / 100)],
      submitCpuUs: ((cpuSecondsOf(pid) - cpuSeconds) / done) * 1e6,
    })}\n`,
  )
  for (const child of parts) child.kill()
}

async function part() {
  const { port, clients, window, jobs, timeMs, payload, unique } = parameters
  const queues = Array.from({ length: clients }, () => new Queue('bench', { connection: { host: '127.0.0.1', port } }))
  await Promise.all(queues.map((queue) => queue.waitUntilReady()))
  // As JSON, with its quotes, as long as the payload that others get.
  const data = 'x'.repeat(payload - 2)
  process.send('ready')
  await once(process, 'message')

  const latenciesMs = []
  const deadline = timeMs > 0 ? performance.now() + timeMs : Infinity
  let left = jobs
  const addOneByOne = async (queue) => {
    for (let now = performance.now(); left > 0 && now < deadline; ) {
      left--
      await queue.add('bench', data, unique === 1 ? { jobId: randomUUID() } : undefined)
      const then = performance.now()
      latenciesMs.push(then - now)
      now = then
    }
  }
  await Promise.all(queues.flatMap((queue) => Array.from({ length: window }, () => addOneByOne(queue))))
  process.send(Float64Array.from(latenciesMs))
}

/** Of all threads, in steps of 10 ms. */
function cpuSecondsOf(pid) {
  // The name of the command, the only field with blanks in it, ends with the last parenthesis.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

function share_of(total, parts, index) {
  return Math.floor(total / parts) + (index < total % parts ? 1 : 0)
}
