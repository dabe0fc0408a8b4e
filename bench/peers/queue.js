// A job queue under load: submitted alone, drained alone, both at once, and one job at a time.
//
//   node queue.js QUEUE queue port=N clients=N window=N workers=N jobs=N payload=BYTES [port2=N] [pgPort=N]
//
// `clients` processes submit, with `window` jobs in flight each; two processes work, with `workers` jobs at a time each.
// Where there are two servers (`port2`), each process is given both. Each queue is a file in queues/ with:
//
//   openClient({ port, port2 })                          add(payload): resolves when the queue has it
//   openWorker({ port, port2 }, concurrency, onJob)      calls onJob(payload) for each job
//
// It prints a line of JSON. With `pgPort`, what the database wrote for a job from its submission to its end.
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { parseParameters } from './parameters.js'
import { message, quantile } from './processes.js'

const workerCount = 2
const singleJobs = 200
const runMsMax = 240_000
/** What sessions of PostgreSQL have counted is told after this time at the latest, once they have nothing to do. */
const countedMs = 10_500

const [queue, , ...words] = process.argv.slice(2)
const { clients, jobs, pgPort } = parseParameters(words)
const children = []
setTimeout(() => fail(new Error(`${queue}: not done after ${runMsMax / 1000} s`)), runMsMax).unref()

await measure().catch(fail)
stop()

async function measure() {
  const submitters = await Promise.all(Array.from({ length: clients }, () => start('queue-client.js')))
  // Those that the clients have warmed up with.
  let workers = await startWorkers()
  const warm = (await askAll(submitters, { warmUp: true })).map(({ count }) => count)
  await work(workers, warm)

  await stopAll(workers)
  const before = await written()
  const share = Math.floor(jobs / clients)
  let startMs = performance.now()
  const submitted = await askAll(submitters, { jobs: share })
  const submitMs = performance.now() - startMs
  workers = await startWorkers()
  startMs = performance.now()
  await work(workers, [share * clients])
  const drainMs = performance.now() - startMs
  const after = await written()

  startMs = performance.now()
  await Promise.all([askAll(submitters, { jobs: share }), doneBy(workers, [share * clients])])
  const throughMs = performance.now() - startMs

  const single = doneBy(workers, [singleJobs])
  await askAll(submitters.slice(0, 1), { jobs: singleJobs, oneByOne: true })
  const waits = (await single).sort((one, other) => one - other)

  const submitTimes = submitted.flatMap(({ latenciesMs }) => [...latenciesMs]).sort((one, other) => one - other)
  const all = share * clients
  const result = {
    rate: all / (submitMs / 1000),
    p50Ms: quantile(submitTimes, 0.5),
    p99Ms: quantile(submitTimes, 0.99),
    drainRate: all / (drainMs / 1000),
    throughRate: all / (throughMs / 1000),
    beginP50Ms: quantile(waits, 0.5),
    beginP99Ms: quantile(waits, 0.99),
  }
  if (before !== undefined && after !== undefined) {
    for (const name of Object.keys(after)) result[name] = (after[name] - before[name]) / all
  }
  process.stdout.write(`${JSON.stringify(result)}\n`)
}

/** Since ever: bytes of the log, transactions, statements, rows. */
async function written() {
  if (pgPort === undefined) return undefined
  const client = new pg.Client(`postgres://postgres@127.0.0.1:${pgPort}/postgres`)
  await client.connect()
  await new Promise((resolve) => setTimeout(resolve, countedMs))
  const { rows } = await client.query(`
    SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 AS "walBytes", sum(xact_commit)::float8 AS "commits",
      sum(tup_inserted + tup_updated + tup_deleted)::float8 AS "rowsWritten",
      (SELECT sum(calls) FROM pg_stat_statements)::float8 AS statements
    FROM pg_stat_database`)
  await client.end()
  return rows[0]
}

function startWorkers() {
  return Promise.all(Array.from({ length: workerCount }, () => start('queue-worker.js')))
}

async function start(file) {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const child = fork(path, [queue, ...words], { serialization: 'advanced' })
  children.push(child)
  await message(child)
  return child
}

/** Lets workers begin; resolves when they have done so many. */
function work(workers, counts) {
  const done = doneBy(workers, counts)
  for (const worker of workers) worker.send('work')
  return done
}

function askAll(processes, question) {
  return Promise.all(
    processes.map((child) => {
      child.send(question)
      return message(child)
    }),
  )
}

/** Resolves with how long each job had waited, when the workers have done so many together from now on. */
function doneBy(workers, counts) {
  const wanted = counts.reduce((sum, count) => sum + count, 0)
  const waits = []
  if (wanted === 0) return Promise.resolve(waits)
  return new Promise((resolve, reject) => {
    let done = 0
    for (const worker of workers) {
      const before = worker.onDone
      if (before !== undefined) worker.off('message', before)
      worker.onDone = (told) => {
        done += told.count
        waits.push(...told.waitsMs)
        if (done === wanted) resolve(waits)
        if (done > wanted) reject(new Error(`${done} jobs were done, and ${wanted} submitted`))
      }
      worker.on('message', worker.onDone)
    }
  })
}

async function stopAll(processes) {
  await Promise.all(
    processes.map((child) => {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.send('stop')
      return ended
    }),
  )
}

function fail(error) {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
  stop()
}

function stop() {
  for (const child of children) child.kill('SIGKILL')
  process.exit()
}
