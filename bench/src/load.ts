import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { metrics, type Sample } from './metrics.ts'
import { rssBytes } from './proc.ts'
import type { Row } from './rows.ts'
import type { Server } from './servers.ts'

const RUN_MS_MAX = 300_000

/** Puts a row's work on a server once. Rejects with the generator's own sentence if any answer was wrong. */
export async function runLoad(generator: string, row: Row, server: Server): Promise<Sample> {
  const rssBytesBefore = await rssBytes(server.pid)
  const sample = sampleOf(
    await run(generator, [
      row.mode,
      `port=${server.port}`,
      `pid=${server.pid}`,
      `clients=${row.clients}`,
      `window=${row.window}`,
      `workers=${row.workers}`,
      `jobs=${row.jobs}`,
      `payload=${row.payloadBytes}`,
      `unique=${row.hasUniques ? 1 : 0}`,
    ]),
  )
  // Growth and not size: an empty server's megabytes are not the jobs'.
  if (row.mode === 'fill') sample.bytesPerJob = ((await rssBytes(server.pid)) - rssBytesBefore) / row.jobs
  return sample
}

async function run(generator: string, parameters: readonly string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(generator, parameters, { timeout: RUN_MS_MAX })
    return stdout
  } catch (error) {
    const sentence = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : ''
    throw new Error(sentence || `the load generator did not end within ${RUN_MS_MAX / 1000} s, or crashed`, {
      cause: error,
    })
  }
}

function sampleOf(line: string): Sample {
  const result: unknown = JSON.parse(line)
  const sample: Sample = {}
  for (const [name, value] of Object.entries(result ?? {})) {
    const metric = metrics.find((candidate) => candidate.name === name)
    if (metric === undefined || typeof value !== 'number') throw new Error(`the load generator said ${line}`)
    sample[metric.name] = value
  }
  return sample
}
