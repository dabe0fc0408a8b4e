import { Worker } from 'node:worker_threads'

/** A round takes milliseconds. */
const patienceMs = 60_000

/**
 * Ends the process when a round does not end: code that loops for ever can be seen only from another thread. Call
 * `begin` with each round's seed.
 */
export function startWatchdog(): { begin(seed: number): void; stop(): Promise<number> } {
  const shared = new SharedArrayBuffer(16)
  const rounds = new Int32Array(shared, 0, 1)
  const seeds = new Float64Array(shared, 8, 1)
  const worker = new Worker(
    `const { workerData } = require('node:worker_threads')
    const rounds = new Int32Array(workerData.shared, 0, 1)
    const seeds = new Float64Array(workerData.shared, 8, 1)
    for (;;) {
      if (Atomics.wait(rounds, 0, Atomics.load(rounds, 0), workerData.patienceMs) !== 'timed-out') continue
      require('node:fs').writeSync(1, 'fuzz: seed ' + seeds[0] + ' does not come to an end\\n')
      process.kill(process.pid, 'SIGKILL')
    }`,
    { eval: true, workerData: { shared, patienceMs } },
  )
  worker.unref()
  return {
    begin(seed) {
      seeds[0] = seed
      Atomics.add(rounds, 0, 1)
      Atomics.notify(rounds, 0)
    },
    stop: () => worker.terminate(),
  }
}
