import type { DeadFilter, DeadJob } from '@geartrain/client'
import type { Command } from 'commander'
import { exitCodes, Fault } from '../fault.ts'

export const deathReasons: readonly DeadJob['reason'][] = ['failed', 'exception', 'timeout', 'lost', 'expired']

/** What is meant by the flags, and undefined if handles are; throws a Fault unless it is one of the two. */
export function readFilter(command: Command, handles: readonly string[]): DeadFilter | undefined {
  const {
    function: name,
    reason,
    all,
  } = command.opts<{ function?: string; reason?: DeadJob['reason']; all?: boolean }>()
  const isFilter = name !== undefined || reason !== undefined
  if (isFilter && all === true) throw new Fault('--all goes without --function and --reason', exitCodes.usage)
  const isGiven = isFilter || all === true
  if (isGiven && handles.length > 0)
    throw new Fault('it is either handles or --function, --reason, --all', exitCodes.usage)
  if (!isGiven && handles.length === 0) {
    throw new Fault('which jobs? Name their handles, or say --function, --reason or --all', exitCodes.usage)
  }
  return isGiven ? deadFilter(name, reason) : undefined
}

export function deadFilter(name: string | undefined, reason: DeadJob['reason'] | undefined): DeadFilter {
  return { ...(name === undefined ? {} : { function: name }), ...(reason === undefined ? {} : { reason }) }
}
