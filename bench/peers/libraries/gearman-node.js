import gearmanNode from 'gearman-node'

export { openPending } from './gearman-pending.js'

/** It has no background jobs. */
export async function openClient(port) {
  const client = new gearmanNode.Client({ host: '127.0.0.1', port })
  return {
    submit: (payload) =>
      new Promise((resolve, reject) => {
        const job = client.submitJob('bench', payload)
        job.on('complete', (_handle, data) => resolve(data.length))
        job.on('fail', () => reject(new Error('a job failed')))
      }),
  }
}

/** A connection does one job at a time. */
export async function openWorker(port, connections, count) {
  for (let i = 0; i < connections; i++) {
    const work = (payload, job) => {
      count()
      job.complete(payload)
    }
    new gearmanNode.Worker('bench', work, { host: '127.0.0.1', port })
  }
}
