import type { FunctionState } from '@geartrain/client'
import type { Command } from 'commander'
import { printRows } from '../ask-servers.ts'
import { controlAll } from '../control.ts'
import { hintAtPattern } from '../pattern-hint.ts'
import { type Column, showText } from '../table.ts'

const functionColumns: readonly Column<FunctionState>[] = [
  ['function', ({ name }) => showText(name)],
  ['ready', ({ ready: { high, normal, low } }) => high + normal + low],
  ['delayed', ({ delayed }) => delayed],
  ['running', ({ running }) => running],
  ['dead', ({ dead }) => dead],
  ['workers', ({ workers }) => workers],
  ['state', stateOf],
]

/** True if all servers have answered. */
export async function listFunctions(command: Command, names: readonly string[]): Promise<boolean> {
  const params = names.length === 0 ? {} : { names }
  const { answers, areAll } = await controlAll(command, (control) => control('functions', params))
  const rows = answers.flatMap(({ server, value }) => value.functions.map((each) => ({ ...each, server })))
  // A function of several servers in one place; the servers as they were listed.
  rows.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  printRows(command, rows, functionColumns)
  for (const name of names) hintAtPattern(command, name, rows.length)
  return areAll
}

export function stateOf({ paused, draining }: Pick<FunctionState, 'paused' | 'draining'>): string {
  return [...(paused ? ['paused'] : []), ...(draining ? ['draining'] : [])].join(', ') || '-'
}
