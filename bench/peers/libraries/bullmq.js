import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { Queue, QueueEvents, Worker } from 'bullmq'

// With 100, its foreground rate falls to the half, and its background rate is the same.
const concurrencyMax = 20
// `waitUntilFinished` fails for a job that is gone when it asks; in the background nobody asks.
const foreground = {}
const background = { removeOnComplete: true }

export async function openPending(port) {
  const queue = new Queue('bench', { connection: { host: '127.0.0.1', port } })
  return async () => {
    const { waiting, active } = await queue.getJobCounts('waiting', 'active')
    return waiting + active
  }
}

export async function openClient(port) {
  const connection = { host: '127.0.0.1', port }
  const queue = new Queue('bench', { connection })
  const events = new QueueEvents('bench', { connection })
  // Each job that is waited for listens to both.
  queue.setMaxListeners(0)
  events.setMaxListeners(0)
  await hearFirst(queue, events)
  return {
    async submit(payload) {
      const job = await queue.add('bench', payload, foreground)
      return (await job.waitUntilFinished(events)).length
    },
    add: (payload) => queue.add('bench', payload, background),
    addMany: (payloads) => queue.addBulk(payloads.map((data) => ({ name: 'bench', data, opts: background }))),
  }
}

export async function openWorker(port, concurrency, count) {
  const worker = new Worker('bench', async (job) => job.data, {
    connection: { host: '127.0.0.1', port },
    concurrency: Math.min(concurrency, concurrencyMax),
  })
  worker.on('completed', () => count())
  await worker.waitUntilReady()
}

/** Until it has heard a first event it may miss one, and whoever waits for that waits for ever. */
async function hearFirst(queue, events) {
  const heard = once(events, 'completed').then(() => true)
  do await queue.add('bench', '', background)
  while (!(await Promise.race([heard, pause(50)])))
}
