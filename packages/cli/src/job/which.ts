import type { ControlOperations } from '@geartrain/client'
import type { Command } from 'commander'
import { exitCodes, Fault } from '../fault.ts'

/** The job that is meant, by its handle or by --unique. */
export function readWhich(command: Command, handle: string | undefined): ControlOperations['job show']['params'] {
  const { unique, function: name } = command.opts<{ unique?: string; function?: string }>()
  if ((handle === undefined) === (unique === undefined)) {
    throw new Fault('which job? Name either its handle or its --unique', exitCodes.usage)
  }
  if (handle !== undefined) {
    if (name !== undefined) throw new Fault('--function goes with --unique', exitCodes.usage)
    return { handle }
  }
  return { ...(unique === undefined ? {} : { unique }), ...(name === undefined ? {} : { function: name }) }
}
