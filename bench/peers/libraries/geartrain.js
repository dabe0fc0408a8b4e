import { Client, Worker } from '@geartrain/client'

export { openPending } from './gearman-pending.js'

export async function openClient(port) {
  const client = await Client.connect({ host: '127.0.0.1', port })
  return {
    submit: async (payload) => (await client.submit('bench', payload).result()).length,
    add: (payload) => client.submitBackground('bench', payload),
    addMany: (payloads) => Promise.all(payloads.map((payload) => client.submitBackground('bench', payload))),
  }
}

export async function openWorker(port, concurrency, count) {
  const worker = new Worker({ host: '127.0.0.1', port }, { concurrency })
  worker.handle('bench', (job) => {
    count()
    return job.workload
  })
  await worker.start()
}
