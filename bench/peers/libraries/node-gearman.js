import NodeGearman from 'node-gearman'

export { openPending } from './gearman-pending.js'

/** Nothing for the background: it doesn't tell when the server has taken a job. */
export async function openClient(port) {
  const client = new NodeGearman('127.0.0.1', port)
  return {
    submit: (payload) =>
      new Promise((resolve, reject) => {
        const job = client.submitJob('bench', payload)
        let length = 0
        job.on('data', (data) => {
          length += data.length
        })
        job.on('end', () => resolve(length))
        job.on('error', reject)
      }),
  }
}

/** A connection does one job at a time. */
export async function openWorker(port, connections, count) {
  for (let i = 0; i < connections; i++) {
    new NodeGearman('127.0.0.1', port).registerWorker('bench', (payload, job) => {
      count()
      job.end(payload)
    })
  }
}
