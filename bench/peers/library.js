// One library's client and worker, each in a process of its own, and the server between them.
//
//   node library.js LIBRARY foreground|background port=N pid=N window=N workers=N jobs=N timeMs=N payload=BYTES [batch=N]
//
// The client keeps `window` jobs in flight, or adds `batch` at a time, until it has sent `jobs` or `timeMs` are over
// (0: all of them). `workers` is how many jobs the worker does at once. Each library is a file in libraries/ with:
//
//   openClient(port)                     submit(payload): resolves with the length of the result; add(payload): when the
//                                        server has it; addMany(payloads), where there is something for it
//   openWorker(port, concurrency, count) gives each job's payload back, and calls `count`
//   openPending(port)                    a function that asks the server how many jobs it has
//
// It prints a line of JSON. Foreground: from the first submission to the last result. Background: from the first
// submission until the server has no job left.
import { fork } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseParameters } from './parameters.js'
import { cpuSecondsOf, message, quantile } from './processes.js'

// Some of them lose a job now and then, and would wait for it for ever.
const runMsMax = 60_000
const pendingPauseMs = 1

const [library, mode, ...words] = process.argv.slice(2)
const { port, pid, batch = 0 } = parseParameters(words)
const children = []
setTimeout(() => fail(new Error(`${library}: not done after ${runMsMax / 1000} s`)), runMsMax).unref()

await measure().catch(fail)
stop()

async function measure() {
  const { openPending } = await import(`./libraries/${library}.js`)
  const worker = await start('library-worker.js')
  const client = await start('library-client.js')
  const pending = await openPending(port)
  await untilNone(pending)

  worker.send({ count: 'from here' })
  await message(worker)
  const cpuSeconds = cpuSecondsOf(pid)
  const startMs = performance.now()
  client.send('go')
  const sent = await message(client)
  worker.send({ until: sent.jobs })
  const worked = await message(worker)
  await untilNone(pending)
  const ms = mode === 'foreground' ? sent.ms : performance.now() - startMs
  const cpuSecondsUsed = cpuSecondsOf(pid) - cpuSeconds

  const result = {
    rate: sent.jobs / (ms / 1000),
    cpuUs: (cpuSecondsUsed / sent.jobs) * 1e6,
    clientCpuUs: sent.cpuUs / sent.jobs,
    workerCpuUs: worked.cpuUs / sent.jobs,
  }
  if (batch === 0) {
    const latenciesMs = sent.latenciesMs.sort()
    result.p50Ms = quantile(latenciesMs, 0.5)
    result.p99Ms = quantile(latenciesMs, 0.99)
  }
  process.stdout.write(`${JSON.stringify(result)}\n`)
}

/** Resolves when it is ready. */
async function start(file) {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const child = fork(path, [library, mode, ...words], { serialization: 'advanced', execArgv: profileFlags(file) })
  children.push(child)
  await message(child)
  return child
}

/** `PROFILE=DIRECTORY` has both processes write what they spend their time on, for Chrome's developer tools. */
function profileFlags(file) {
  const directory = process.env.PROFILE
  return directory === undefined
    ? []
    : ['--cpu-prof', '--cpu-prof-dir', directory, '--cpu-prof-name', `${library}-${file}.cpuprofile`]
}

async function untilNone(pending) {
  while ((await pending()) > 0) await pause(pendingPauseMs)
}

function fail(error) {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
  stop()
}

function stop() {
  for (const child of children) child.kill()
  // Not all libraries have a close that closes.
  process.exit()
}
