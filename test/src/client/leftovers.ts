import { getEventListeners } from 'node:events'
import { Admin, Client, Worker } from '@geartrain/client'

// A program that uses all of the library, closes it, and writes what is still there. It has nothing that would end it
// but that nothing is left to do.

const [address = ''] = process.argv.slice(2)
const { signal } = new AbortController()
const options = { signal, timeoutMs: 600_000 }

const worker = new Worker([address, address], { concurrency: 3, closeTimeoutMs: 600_000 })
worker
  .handle('leftovers', async (job) => {
    job.progress(1, 2)
    await job.data('half')
    return job.text()
  })
  .handle('leftovers-timed', (job) => job.text(), { timeoutMs: 600_000 })
  .handle('leftovers-few', (job) => [job.text()], { concurrency: 1 })
  .handle(
    'leftovers-stream',
    async function* (job) {
      yield job.text()
    },
    { timeoutMs: 600_000 },
  )
  .handle('leftovers-bad', () => Promise.reject(new Error('bad')))
const run = worker.run({ signal })
await worker.start()

const client = await Client.connect(address, { ...options, connectTimeoutMs: 600_000 })
const admin = await Admin.connect(address, { ...options, connectTimeoutMs: 600_000 })
const unfinished = client.submit('leftovers-nobody', '', options)
const refused = client
  .submit('leftovers-nobody', '', options)
  .result()
  .catch(() => undefined)
for (const name of ['leftovers', 'leftovers-timed', 'leftovers-few', 'leftovers-stream']) {
  const job = client.submit(name, 'x', options)
  for await (const event of job) if (event.type === 'complete') break
  await Promise.all([job.result(), job.created()])
}
await client
  .submit('leftovers-bad', '', options)
  .result()
  .catch(() => undefined)
await client.submitBackground('leftovers', '', options)
await Promise.all([
  client.echo('x', options),
  client.status('H:x:1', options),
  admin.status(options),
  admin.version(options),
])
await Promise.all([unfinished.created(), worker.close(), admin.close()])
await client.close()
await Promise.all([refused, run])

const resources = process.getActiveResourcesInfo().filter((name) => !/^(TTY|Pipe)Wrap$/.test(name))
process.stdout.write(JSON.stringify({ resources, listeners: getEventListeners(signal, 'abort').length }))
