import type { Command } from 'commander'
import { spokenName } from './ask-servers.ts'
import { complain } from './output.ts'
import { showText } from './table.ts'

/** Where only policies know patterns, `mail.*` finds nothing: says why. */
export function hintAtPattern(command: Command, name: string | undefined, found: number): void {
  if (found > 0 || name?.includes('*') !== true) return
  complain(spokenName(command), `${showText(name)} was taken for the name of one function: patterns are for settings`)
}
