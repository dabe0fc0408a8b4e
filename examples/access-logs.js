// Which pages of a web site are asked for most? An access log is cut into parts, workers count in each, and the counts
// are added up: once by this program, once by a worker.
//
//     npx geartrain serve                              in one terminal
//     node examples/access-logs.js [FILE]              in another; without FILE, on a log that it makes up

import { createReadStream } from 'node:fs'
import { Client, json, mapReduce, splitLines, Worker } from '@geartrain/client'

const jobs = { 'count-pages': { output: json() }, 'top-pages': { output: json() } }
const partBytes = 64 * 1024
const client = await Client.connect(undefined, { jobs })

// Map: how often each page stands in one part of the log.
const counter = new Worker(undefined, { concurrency: 4, jobs })
counter.handle('count-pages', (job) => {
  const counts = {}
  for (const [, page] of job.text().matchAll(/"(?:GET|POST) (\S+)/g)) counts[page] = (counts[page] ?? 0) + 1
  return counts
})
await counter.start()

// Reduce: the counts of all parts, added up, and the three highest.
async function topPages(parts) {
  const sums = new Map()
  for await (const counts of parts) {
    for (const [page, count] of Object.entries(counts)) sums.set(page, (sums.get(page) ?? 0) + count)
  }
  return [...sums].sort(([, a], [, b]) => b - a).slice(0, 3)
}

// Here: the file is read as fast as the workers count.
const log = process.argv[2] === undefined ? madeUpLog() : createReadStream(process.argv[2])
console.log(await mapReduce(client, 'count-pages', splitLines(log, partBytes), topPages))

// Or there: a worker splits the job, gives the parts to the function that the job names, and answers with the sums.
const reducer = new Worker(undefined, { jobs })
reducer.handle('top-pages', (job) => mapReduce(client, job.reducer, splitLines(job.workload, partBytes), topPages))
await reducer.start()
const whole = Buffer.concat([...madeUpLog()])
console.log(await client.submit('top-pages', whole, { reducer: 'count-pages' }).result())

await Promise.all([counter.close(), reducer.close()])
await client.close()

function* madeUpLog() {
  for (let i = 0; i < 20_000; i++) {
    const page = i % 2 === 0 ? '/' : i % 3 === 0 ? '/prices' : `/article/${i % 7}`
    yield Buffer.from(`192.0.2.${i % 250} - - [21/Nov/2026:10:00:00 +0000] "GET ${page} HTTP/1.1" 200 ${i}\n`)
  }
}
