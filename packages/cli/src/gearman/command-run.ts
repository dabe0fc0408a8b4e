import { spawn } from 'node:child_process'
import { buffer } from 'node:stream/consumers'
import { type AssignedJob, JobFailure } from '@geartrain/client'
import { reason } from '@geartrain/server'
import { feed, howItEnds } from '../child.ts'
import { complain } from '../output.ts'
import type { GearmanFlags } from './flags.ts'
import { linesOf } from './payloads.ts'

/**
 * Does a job by a command: the workload on stdin, stdout is the result, stderr is this program's. If it does not end
 * with 0 the job fails, after what the command has written was sent as data.
 */
export async function runCommand(
  [command = '', ...args]: readonly string[],
  job: AssignedJob,
  flags: Pick<GearmanFlags, 'isByLine' | 'isLineEndStripped'>,
): Promise<Uint8Array | undefined> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = howItEnds(child).catch((error: unknown) => `cannot be run: ${reason(error)}`)
  feed(child.stdin, job.workload)
  const result = flags.isByLine ? await sendLines(child.stdout, job, flags) : await buffer(child.stdout)
  const failure = await ended
  if (failure === undefined) return result
  complain('gearman', `a job of ${job.function} fails: ${command} ${failure}`)
  if (result !== undefined && result.length > 0) await job.data(result)
  throw new JobFailure()
}

async function sendLines(
  output: AsyncIterable<Uint8Array>,
  job: AssignedJob,
  flags: Pick<GearmanFlags, 'isLineEndStripped'>,
): Promise<undefined> {
  for await (const line of linesOf(output, flags)) await job.data(line)
  return undefined
}
