import { Admin, Client, Worker } from '@geartrain/client'

// A program whose jobs are cancelled while they run. It writes what is still there when all is closed, and has nothing
// that would end it but that nothing is left to do.

const [address = ''] = process.argv.slice(2)

const worker = new Worker(address, { concurrency: 2, closeTimeoutMs: 600_000 })
worker
  .handle('leftovers-fetch', async (job) => {
    job.progress(0, 1)
    await new Promise((resolve) => job.signal.addEventListener('abort', resolve, { once: true }))
    job.signal.throwIfAborted()
  })
  .handle(
    'leftovers-stream',
    async function* (job) {
      yield job.text()
      await new Promise(() => {})
    },
    { timeoutMs: 600_000 },
  )
await worker.start()
const client = await Client.connect(address)
const admin = await Admin.connect(address)
for (const name of ['leftovers-fetch', 'leftovers-stream']) {
  const job = client.submit(name, '')
  for await (const { type } of job) if (type === 'status' || type === 'data') await admin.cancel(await job.created())
}
await Promise.all([worker.close(), admin.close(), client.close()])

const resources = process.getActiveResourcesInfo().filter((name) => !/^(TTY|Pipe)Wrap$/.test(name))
process.stdout.write(JSON.stringify(resources))
