// The load for BullMQ, in the place of load/load.c: the same parameters, of which it ignores those that are about workers
// (it does not drain), and the same line of JSON.
//
//   node bullmq.js background port=N pid=N clients=N window=N jobs=N timeMs=N payload=BYTES unique=0|1
//
// Each client is a Queue with a connection of its own that keeps `window` adds in flight. They are spread over as many
// processes as there are cores, but for one, which is left to Redis: with a process more, Redis gets less and the rate
// falls. All options are as they come. With `unique=1` every job gets a random UUID as its id.
import { fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Queue } from 'bullmq'
import { parseParameters } from './parameters.js'
import { cpuSecondsOf, message, quantile } from './processes.js'

const warmUpMs = 500

const parameters = parseParameters(process.argv.slice(3))

if (process.send === undefined) await measure()
else await add()

async function measure() {
  const { port, pid, clients, jobs } = parameters
  const processes = Math.min(clients, Math.max(1, availableParallelism() - 1))
  const children = Array.from({ length: processes }, (_, index) => {
    const share = { clients: shareOf(clients, processes, index), jobs: shareOf(jobs, processes, index) }
    const args = Object.entries({ ...parameters, ...share }).map(([name, value]) => `${name}=${value}`)
    return fork(fileURLToPath(import.meta.url), ['background', ...args], { serialization: 'advanced' })
  })
  await Promise.all(children.map(message))
  const queue = queueOf(port)
  const waiting = await queue.getWaitingCount()

  const cpuSeconds = cpuSecondsOf(pid)
  const startMs = performance.now()
  for (const child of children) child.send('go')
  const lists = await Promise.all(children.map(message))
  const seconds = (performance.now() - startMs) / 1000
  const cpuSecondsUsed = cpuSecondsOf(pid) - cpuSeconds

  const latenciesMs = lists.flatMap((list) => [...list]).sort((a, b) => a - b)
  const added = latenciesMs.length
  if ((await queue.getWaitingCount()) !== waiting + added) throw new Error('Redis has not got every job that was added')
  const result = {
    rate: added / seconds,
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
    submitCpuUs: (cpuSecondsUsed / added) * 1e6,
  }
  process.stdout.write(`${JSON.stringify(result)}\n`)
  for (const child of children) child.kill()
  await queue.close()
}

/** One process's share; ends when it is killed. */
async function add() {
  const { port, clients, window, jobs, timeMs, payload, unique } = parameters
  const queues = Array.from({ length: clients }, () => queueOf(port))
  await Promise.all(queues.map((queue) => queue.waitUntilReady()))
  // As JSON, with its quotes, it is as long as the payload that other servers get.
  const data = 'x'.repeat(payload - 2)

  /** Resolves with the milliseconds that each job took. */
  const addUntil = async (jobsMax, endMs) => {
    const latenciesMs = []
    let left = jobsMax
    let nowMs = performance.now()
    const addOneByOne = async (queue) => {
      while (left > 0 && nowMs < endMs) {
        left--
        const sentMs = nowMs
        await queue.add('bench', data, unique === 1 ? { jobId: randomUUID() } : undefined)
        nowMs = performance.now()
        latenciesMs.push(nowMs - sentMs)
      }
    }
    await Promise.all(queues.flatMap((queue) => Array.from({ length: window }, () => addOneByOne(queue))))
    return latenciesMs
  }

  // What V8 has not compiled yet is not to count against BullMQ.
  await addUntil(Number.POSITIVE_INFINITY, performance.now() + warmUpMs)
  process.send('ready')
  await once(process, 'message')
  process.send(await addUntil(jobs, timeMs > 0 ? performance.now() + timeMs : Number.POSITIVE_INFINITY))
}

function queueOf(port) {
  return new Queue('bench', { connection: { host: '127.0.0.1', port } })
}

function shareOf(total, parts, index) {
  return Math.floor(total / parts) + (index < total % parts ? 1 : 0)
}
