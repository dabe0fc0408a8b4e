import type { JobDescription } from '@geartrain/client'
import type { Command } from 'commander'
import { readAskFlags, spokenName } from '../ask-servers.ts'
import { controlFirst } from '../control.ts'
import { textOf } from '../do/text-of.ts'
import { exitCodes, Fault } from '../fault.ts'
import { complain, print } from '../output.ts'
import { toBuffer } from '../payload-text.ts'
import { showText } from '../table.ts'
import { readWhich } from './which.ts'

/** Resolves with the exit code. */
export async function writeResult(command: Command, handle: string | undefined): Promise<number> {
  const which = readWhich(command, handle)
  const { server, value: job } = await controlFirst(command, (control) => control('job show', which))
  const { state, result } = job
  if (result === undefined || (state !== 'complete' && state !== 'exception')) {
    throw new Fault(whyNone(job), exitCodes.failed)
  }
  const isException = state === 'exception'
  if (readAskFlags(command).isJson) print(JSON.stringify({ handle: job.handle, state, result, server }))
  else if (isException) complain(spokenName(command), `the worker threw: ${textOf(toBuffer(result))}`)
  else process.stdout.write(toBuffer(result))
  return isException ? exitCodes.exception : 0
}

function whyNone({ handle, state }: JobDescription): string {
  const job = `the job ${showText(handle)}`
  switch (state) {
    case 'complete':
      return `the result of ${job} is not kept: see the setting keep-results of its function`
    case 'failed':
    case 'exception':
      return `${job} failed, and has no result`
    case 'dead':
      return `${job} is dead, and has no result: geartrain dead show has its failures`
    case 'pending':
    case 'ready':
    case 'delayed':
    case 'running':
      return `${job} has not ended, it is ${state}`
  }
}
