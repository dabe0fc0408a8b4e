import gearman from 'gearman'

export { openPending } from './gearman-pending.js'

export async function openClient(port) {
  const client = await connect(port)
  const uncreated = []
  const unfinished = new Map()
  client.on('JOB_CREATED', (handle) => uncreated.shift()(handle))
  client.on('WORK_COMPLETE', ({ handle, payload }) => {
    unfinished.get(handle)(payload.length)
    unfinished.delete(handle)
  })
  return {
    submit: (payload) =>
      new Promise((resolve) => {
        uncreated.push((handle) => unfinished.set(handle, resolve))
        client.submitJob('bench', payload)
      }),
    add: (payload) =>
      new Promise((resolve) => {
        uncreated.push(resolve)
        client.submitJob('bench', payload, { background: true })
      }),
  }
}

/** A connection does one job at a time. */
export async function openWorker(port, connections, count) {
  for (let i = 0; i < connections; i++) {
    const worker = await connect(port)
    worker.on('JOB_ASSIGN', ({ handle, payload }) => {
      count()
      worker.sendWorkComplete(handle, payload)
      // Its own example goes to sleep here, which costs a round trip more.
      worker.grabJob()
    })
    worker.on('NO_JOB', () => worker.preSleep())
    worker.on('NOOP', () => worker.grabJob())
    worker.addFunction('bench')
    worker.preSleep()
  }
}

async function connect(port) {
  const connection = gearman('127.0.0.1', port)
  await new Promise((resolve) => connection.connect(resolve))
  return connection
}
