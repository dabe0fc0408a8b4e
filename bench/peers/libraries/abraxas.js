import abraxas from 'abraxas'

export { openPending } from './gearman-pending.js'

// With 100 its rates are lower.
const concurrencyMax = 10

export async function openClient(port) {
  const client = abraxas.Client.connect({ host: '127.0.0.1', port })
  return {
    // It takes callbacks as well, which is faster than the promises that it makes otherwise.
    submit: (payload) =>
      new Promise((resolve, reject) => {
        client.submitJob('bench', payload, (error, result) => (error ? reject(error) : resolve(result.length)))
      }),
    add: (payload) =>
      new Promise((resolve, reject) => {
        client.submitJobBg('bench', payload, (error, handle) => (error ? reject(error) : resolve(handle)))
      }),
  }
}

export async function openWorker(port, concurrency, count) {
  const worker = abraxas.Client.connect({
    host: '127.0.0.1',
    port,
    maxJobs: Math.min(concurrency, concurrencyMax),
  })
  worker.registerWorker('bench', (task) => {
    count()
    return task.payload
  })
}
