import { Admin, type CallOptions, GeartrainError } from '@geartrain/client'
import { complain } from '../output.ts'
import { credentials } from '../servers.ts'

/** When nothing is heard of a job for so long, one begins to wonder. */
const wonderMs = 3000

/**
 * Tells whoever waits for a job at a terminal that no worker does its function, unless the function that comes back is
 * called before: when something is heard of the job.
 */
export function startNobodyHint(jobFunction: string, servers: string | undefined): () => void {
  if (!process.stderr.isTTY) return () => {}
  const stop = new AbortController()
  const timer = setTimeout(() => void hint(jobFunction, servers, stop.signal), wonderMs)
  return () => {
    clearTimeout(timer)
    stop.abort()
  }
}

/** A worker of the server can do the function, though it may have no time. */
export async function isDoneBySomebody(admin: Admin, jobFunction: string, options?: CallOptions): Promise<boolean> {
  const rows = await admin.status(options)
  return rows.some((row) => row.function === jobFunction && row.workers > 0)
}

async function hint(jobFunction: string, servers: string | undefined, signal: AbortSignal): Promise<void> {
  try {
    await using admin = await Admin.connect(servers, { ...credentials(), signal })
    if (await isDoneBySomebody(admin, jobFunction, { signal })) return
    complain('do', `no worker does "${jobFunction}" at the moment: the job waits`)
  } catch (error) {
    // What is wrong with the server is said by the one who waits for the job.
    if (!(error instanceof GeartrainError)) throw error
  }
}
