// A pipeline: articles are fetched every two seconds, those that are new are put into an index, and somebody is told.
// The workers know nothing of each other. Which function comes next, how often each is tried and when it all begins is
// said to the server, in pipeline.toml.
//
//     npx geartrain serve --config examples/pipeline.toml     in one terminal
//     node examples/pipeline.js                               in another
//     npx geartrain schedule show fetch-news                  in a third

import { json, Worker } from '@geartrain/client'

const articles = json()
const worker = new Worker(undefined, {
  concurrency: 3,
  jobs: {
    'news.fetch': { output: articles },
    'news.index': { input: articles, output: articles },
    'news.notify': { input: articles },
  },
  // What has failed is tried again, by whoever is there.
  onError: (error, job) => console.log(`${job?.function} has failed: ${error.message}`),
})

let fetches = 0
worker.handle('news.fetch', (job) => {
  const feed = job.text()
  fetches++
  if (fetches === 1) throw new Error(`the site of ${feed} does not answer`)
  return [`an old article of ${feed}`, `article ${fetches} of ${feed}`]
})

const index = new Set()
worker.handle('news.index', ({ input }) => {
  const added = input.filter((article) => !index.has(article))
  for (const article of added) index.add(article)
  return added
})

worker.handle('news.notify', ({ input }) => {
  for (const article of input) console.log(`new: ${article}`)
})

const stop = new AbortController()
process.once('SIGINT', () => stop.abort())
process.once('SIGTERM', () => stop.abort())
await worker.run({ signal: stop.signal })
