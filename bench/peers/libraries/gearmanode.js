import gearmanode from 'gearmanode'
import winston from 'winston'

export { openPending } from './gearman-pending.js'

// As it comes, its log complains on stderr, at every packet, that it has nowhere to go.
for (const logger of winston.loggers.loggers.values()) {
  logger.configure({ level: 'error', transports: [new winston.transports.Console({ silent: true })] })
}

export async function openClient(port) {
  const client = gearmanode.client({ host: '127.0.0.1', port })
  client.setMaxListeners(0)
  const send = (payload, background, last) =>
    new Promise((resolve, reject) => {
      const job = client.submitJob('bench', payload, { background })
      job.on(last, () => {
        resolve(job.response?.length)
        job.close()
      })
      job.on('failed', () => reject(new Error('a job failed')))
    })
  return {
    submit: (payload) => send(payload, false, 'complete'),
    add: (payload) => send(payload, true, 'created'),
  }
}

/** A connection does one job at a time. */
export async function openWorker(port, connections, count) {
  for (let i = 0; i < connections; i++) {
    gearmanode.worker({ host: '127.0.0.1', port }).addFunction('bench', (job) => {
      count()
      job.workComplete(job.payload)
    })
  }
}
