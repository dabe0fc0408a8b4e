import PgBoss from 'pg-boss'

// What a worker is given at a time, and how often it asks: as quick as it may.
const batchSize = 500
const pollingIntervalSeconds = 0.5

export async function openClient({ port, window }) {
  const boss = await open(port, window)
  return { add: (payload) => boss.send('bench', { payload }) }
}

export async function openWorker({ port }, concurrency, onJob) {
  const boss = await open(port, 10)
  await boss.work('bench', { batchSize, pollingIntervalSeconds }, async (jobs) => {
    for (const { data } of jobs) onJob(data.payload)
  })
  return () => boss.stop({ graceful: true, wait: true })
}

async function open(port, max) {
  const boss = new PgBoss({
    connectionString: `postgres://postgres@127.0.0.1:${port}/postgres`,
    max: Math.min(max, 20),
  })
  boss.on('error', (error) => process.stderr.write(`${error.message}\n`))
  await boss.start()
  await boss.createQueue('bench').catch(() => {})
  return boss
}
