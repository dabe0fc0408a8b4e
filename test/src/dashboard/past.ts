import { emptyBatch, SqliteStore } from '@geartrain/server'
import { type SampleRow, sample } from '../store-suite/samples.ts'

// A day that the scene's server has behind it, so that charts have something to show.

const hourMs = 3_600_000
/** Samples a batch. */
const batchSize = 200

interface Habit {
  /** Jobs a second at noon. */
  readonly rate: number
  readonly runMs: number
  readonly workers: number
  /** Of attempts, so many fail. */
  readonly failures: number
}

const habits: Readonly<Record<string, Habit>> = {
  'image.resize': { rate: 14, runMs: 160, workers: 3, failures: 0 },
  'mail.send': { rate: 9, runMs: 80, workers: 2, failures: 0.012 },
  'webhook.deliver': { rate: 3, runMs: 130, workers: 1, failures: 0.05 },
  'billing.charge': { rate: 1.5, runMs: 260, workers: 1, failures: 0.05 },
  'search.index': { rate: 25, runMs: 25, workers: 2, failures: 0 },
}

/** Writes it into a store that no server has open. */
export async function writePast(path: string): Promise<void> {
  const now = Date.now()
  const times: number[] = []
  for (let at = now - 24 * hourMs; at < now; at += at < now - hourMs ? 60_000 : 10_000) times.push(at)
  const store = new SqliteStore(path)
  await store.open(0)
  for (let from = 0; from < times.length; from += batchSize) {
    const samples = times.slice(from, from + batchSize).map((at) => sampleAt(at, now))
    await store.commit({ ...emptyBatch, now, changes: [{ kind: 'history', samples, functionsMax: 500 }] })
  }
  await store.close()
}

function sampleAt(at: number, now: number) {
  const functions = Object.fromEntries(Object.entries(habits).map(([name, habit]) => [name, rowAt(habit, at, now)]))
  return sample(at, sumOf(Object.values(functions)), functions)
}

/** Busy in the afternoon, with a push to the queue half an hour ago, since when more fails. */
function rowAt({ rate, runMs, workers, failures }: Habit, at: number, now: number): Required<SampleRow> {
  const stepMs = at < now - hourMs ? 60_000 : 10_000
  const hour = (at / hourMs) % 24
  const ofDay = 0.55 + 0.45 * Math.sin(((hour - 8) / 24) * 2 * Math.PI)
  const agoMs = now - at
  const isPush = agoMs < 34 * 60_000 && agoMs > 26 * 60_000
  const submitted = Math.round(rate * ofDay * (stepMs / 1000) * (isPush ? 1.8 : 1) * (0.9 + 0.2 * Math.random()))
  const failed = Math.round(submitted * failures * (agoMs < 30 * 60_000 ? 4 : 1))
  const waited = isPush ? 900 : 3
  const times = (ms: number) => Array.from({ length: Math.min(40, submitted) }, () => ms * (0.3 + 1.4 * Math.random()))
  return {
    submitted,
    done: submitted - failed,
    failed,
    retried: Math.round(failed * 0.7),
    died: Math.round(failed * 0.3),
    ready: isPush ? Math.round(rate * 9 * Math.random()) : Math.round(rate * 0.1 * Math.random()),
    delayed: Math.round(failed),
    running: Math.min(workers * 2, Math.round((rate * ofDay * runMs) / 1000 + Math.random())),
    dead: 0,
    workers,
    waitMs: times(waited),
    runMs: times(runMs),
  }
}

function sumOf(rows: readonly Required<SampleRow>[]): SampleRow {
  const sum: Record<string, number | number[]> = {}
  for (const row of rows) {
    for (const [key, value] of Object.entries(row)) {
      const before = sum[key]
      if (typeof value === 'number') sum[key] = (typeof before === 'number' ? before : 0) + value
      else sum[key] = [...(Array.isArray(before) ? before : []), ...value]
    }
  }
  return sum
}
