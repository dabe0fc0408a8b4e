// A worker with two functions. Ctrl-C or SIGTERM lets it finish its jobs.
//
//     npx geartrain serve        in one terminal
//     node examples/worker.js    in a second
//     node examples/client.js    in a third

import { Worker } from '@geartrain/client'

const worker = new Worker(undefined, {
  concurrency: 10,
  onConnect: ({ host, port }) => console.log(`takes jobs from ${host}:${port}`),
  onDisconnect: (error, retryMs) => console.error(`${error.message}; again in ${Math.round(retryMs)} ms`),
  onError: (error, job) => console.error(job?.handle, error),
})

worker.handle('reverse', (job) => Array.from(job.text()).reverse().join(''))

worker.handle('count-words', async (job) => {
  const lines = job.text().split('\n')
  let words = 0
  for (const [i, line] of lines.entries()) {
    const inLine = line.split(/\s+/).filter((word) => word !== '').length
    words += inLine
    await job.data(`${inLine} `)
    job.progress(i + 1, lines.length)
  }
  return String(words)
})

const stop = new AbortController()
process.once('SIGINT', () => stop.abort())
process.once('SIGTERM', () => stop.abort())
await worker.run({ signal: stop.signal })
console.log('all jobs are done')
