import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Server } from './child.ts'
import { metrics, type Sample } from './metrics.ts'
import type { Row } from './rows.ts'

const RUN_MS_MAX = 300_000

/**
 * Puts a row's work on a server once, where `before` jobs may be queued already. Rejects with the generator's own
 * sentence if any answer was wrong.
 */
export async function runLoad(generator: readonly string[], row: Row, server: Server, before: number): Promise<Sample> {
  const [program = '', ...args] = generator
  const parameters = {
    port: server.port,
    ...(server.httpPort === undefined ? {} : { httpPort: server.httpPort }),
    ...(server.port2 === undefined ? {} : { port2: server.port2 }),
    ...(server.pgPort === undefined ? {} : { pgPort: server.pgPort }),
    pid: server.pid,
    clients: row.clients,
    window: row.window,
    workers: row.workers,
    jobs: row.jobs,
    timeMs: row.timeMs,
    rounds: row.rounds,
    before,
    payload: row.payloadBytes,
    unique: row.hasUniques ? 1 : 0,
    ...(row.spreadMs > 0 ? { spreadMs: row.spreadMs } : {}),
    ...(row.batch > 0 ? { batch: row.batch } : {}),
    ...(row.mode === 'beside' ? { loadClients: 8, loadWindow: 64, pauseMs: row.pauseMs } : {}),
  }
  const pairs = Object.entries(parameters).map(([name, value]) => `${name}=${value}`)
  return sampleOf(await run(program, [...args, row.mode, ...pairs]))
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
