import { Queue, Worker } from 'bullmq'

export async function openClient({ port }) {
  const queue = new Queue('bench', { connection: { host: '127.0.0.1', port } })
  await queue.waitUntilReady()
  return { add: (payload) => queue.add('bench', payload, { removeOnComplete: true }) }
}

export async function openWorker({ port }, concurrency, onJob) {
  const worker = new Worker('bench', async (job) => onJob(job.data), {
    connection: { host: '127.0.0.1', port },
    concurrency,
  })
  await worker.waitUntilReady()
  return () => worker.close()
}
