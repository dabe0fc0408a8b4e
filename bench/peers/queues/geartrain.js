import { Client, Worker } from '@geartrain/client'

export async function openClient({ port, port2 }) {
  // Each process goes to one of them, as clients of a load balancer do.
  const client = await Client.connect(servers(process.pid % 2 === 0 ? port : (port2 ?? port)))
  return { add: (payload) => client.submitBackground('bench', payload) }
}

export async function openWorker({ port, port2 }, concurrency, onJob) {
  const worker = new Worker(servers(port, port2), { concurrency })
  worker.handle('bench', (job) => onJob(job.text()))
  await worker.start()
  return () => worker.close()
}

function servers(...ports) {
  return ports.filter((port) => port !== undefined).map((port) => ({ host: '127.0.0.1', port }))
}
