import type { Argument, Command, Option } from 'commander'

/** A command with what may follow it. */
export interface Level {
  /** The words that lead there, each after a blank; empty for `geartrain` alone. */
  readonly path: string
  readonly commands: readonly { readonly name: string; readonly description: string }[]
  readonly flags: readonly Flag[]
  /** What its arguments can be, where there is a choice. */
  readonly choices: readonly string[]
  /** Whether an argument may be a file. */
  readonly takesFile: boolean
}

export interface Flag {
  readonly short: string | undefined
  readonly long: string | undefined
  readonly description: string
  readonly value: 'none' | 'file' | 'other' | readonly string[]
}

/** All commands of a program, itself first. */
export function readTree(command: Command, path = ''): Level[] {
  const help = command.createHelp()
  const commands = help.visibleCommands(command)
  const level: Level = {
    path,
    commands: commands.map((each) => ({ name: each.name(), description: each.description() })),
    flags: help.visibleOptions(command).map(readFlag),
    choices: command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices),
    takesFile: command.registeredArguments.some(mayBeFile),
  }
  return [level, ...commands.flatMap((each) => readTree(each, `${path} ${each.name()}`))]
}

/** As it is written on the command line, the short form first. */
export function namesOf({ short, long }: Flag): string[] {
  return [short, long].filter((name) => name !== undefined)
}

function readFlag(option: Option): Flag {
  const { short, long, description } = option
  return { short, long, description, value: valueOf(option) }
}

function valueOf({ flags, required, optional, argChoices }: Option): Flag['value'] {
  if (!required && !optional) return 'none'
  return argChoices ?? (/[<[](file|path|store|module|directory)[>\]]$/i.test(flags) ? 'file' : 'other')
}

function mayBeFile(argument: Argument): boolean {
  return /\b(file|store)\b/.test(`${argument.name()} ${argument.description}`)
}
