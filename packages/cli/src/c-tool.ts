import type { Command, CommanderError } from 'commander'
import { Fault } from './fault.ts'

/**
 * Gives a command a C tool's habits: no help but the tool's own, and one exit code for all that is wrong, with one
 * sentence for it. `noSuchFlag` is that sentence for a flag that is not there.
 */
export function asCTool<Tool extends Command>(
  command: Tool,
  exitCode: number,
  noSuchFlag: (flag: string) => string,
): Tool {
  return command
    .helpOption(false)
    .allowExcessArguments(true)
    .configureOutput({ outputError() {} })
    .exitOverride((error) => {
      throw new Fault(sentence(error, noSuchFlag), exitCode, { cause: error })
    })
}

function sentence({ message }: CommanderError, noSuchFlag: (flag: string) => string): string {
  const [, unknown] = /unknown option '([^']*)'/.exec(message) ?? []
  return unknown === undefined ? message.replace(/^error: /, '') : noSuchFlag(unknown)
}
