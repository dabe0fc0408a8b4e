// As its performance page recommends: jobs are fetched ahead, and finished ones written together.
import { Logger, makeWorkerUtils, run, runMigrations } from 'graphile-worker'

const preset = {
  worker: { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0, pollInterval: 2000 },
}
const logger = new Logger(() => () => {})
const url = (port) => `postgres://postgres@127.0.0.1:${port}/postgres`

export async function openClient({ port, window }) {
  await runMigrations({ connectionString: url(port), logger })
  const utils = await makeWorkerUtils({ connectionString: url(port), maxPoolSize: Math.min(window, 20), logger })
  return { add: (payload) => utils.addJob('bench', payload) }
}

export async function openWorker({ port }, concurrency, onJob) {
  const runner = await run({
    preset,
    logger,
    connectionString: url(port),
    concurrency,
    maxPoolSize: 10,
    noHandleSignals: true,
    taskList: { bench: async (payload) => void onJob(payload) },
  })
  return () => runner.stop()
}
