import type { ConnectionOptions } from 'node:tls'
import { type AssignedJob, ConnectError, formatServer, type ServerAddress, Worker } from '@geartrain/client'
import { complain } from '../output.ts'
import { credentials, reasonNotReached } from '../servers.ts'
import { stdoutTaken } from '../stdout.ts'
import { runCommand } from './command-run.ts'
import { type GearmanFlags, gearmanExitCode } from './flags.ts'

/** Does the functions' jobs, one at a time, until there were as many as are wanted. Resolves with the exit code. */
export async function work(
  flags: GearmanFlags,
  servers: readonly ServerAddress[],
  tls: ConnectionOptions | undefined,
): Promise<number> {
  let left = flags.jobsMax
  const connected = new Set<string>()
  const worker = new Worker(servers, {
    ...credentials(),
    tls,
    waitForServer: true,
    onConnect(server) {
      connected.add(formatServer(server))
    },
    onDisconnect(error, retryMs, server) {
      connected.delete(formatServer(server))
      const why = error instanceof ConnectError ? reasonNotReached(error) : error.message
      complain('gearman', `${why}; it tries again in ${Math.round(retryMs)} ms`)
    },
    onError(error) {
      complain('gearman', error instanceof Error ? error.message : String(error))
    },
  })
  // With -t, a wait in vain counts as one of the jobs, as in the C tool.
  const { timeoutMs } = flags
  const countOne = () => {
    left--
    if (left === 0) void worker.close()
  }
  const startWaiting = () =>
    timeoutMs === undefined || left === 0
      ? undefined
      : setInterval(() => {
          complain('gearman', `no job has come for ${timeoutMs} ms`)
          countOne()
        }, timeoutMs)
  let waiting = startWaiting()
  const handle = async (job: AssignedJob) => {
    clearInterval(waiting)
    try {
      return await doJob(job, flags)
    } finally {
      countOne()
      waiting = startWaiting()
    }
  }
  // A server gives jobs of the function first that came last: so the first -f comes first, as with the C tool.
  for (const name of new Set(flags.functions.toReversed())) worker.handle(name, handle)
  try {
    await worker.run()
  } finally {
    clearInterval(waiting)
  }
  return connected.size > 0 ? 0 : gearmanExitCode
}

/** Without a command the payload is printed. */
async function doJob(job: AssignedJob, flags: GearmanFlags): Promise<Uint8Array | undefined> {
  if (flags.operands.length > 0) return runCommand(flags.operands, job, flags)
  process.stdout.write(job.workload)
  await stdoutTaken()
  return undefined
}
