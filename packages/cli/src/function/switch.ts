import type { FunctionPolicy } from '@geartrain/client'
import type { Command } from 'commander'
import { readAskFlags, spokenName } from '../ask-servers.ts'
import { type Control, controlAll } from '../control.ts'
import { complain, print } from '../output.ts'
import { showText } from '../table.ts'

/** A setting that is to be on or off. */
export interface Switch {
  readonly key: 'paused' | 'draining'
  readonly isOn: boolean
  /** What is said of a function then, and what if it is not so. */
  readonly done: string
  readonly failed: string
}

/** True if all servers have answered. */
export async function switchFunctions(command: Command, names: readonly string[], what: Switch): Promise<boolean> {
  const { answers, areAll } = await controlAll(command, async (control) => {
    // Before: a function that is paused may be there for that alone.
    const { functions } = await control('functions', {})
    return { known: functions, areOn: await Promise.all(names.map((name) => switchOne(control, name, what))) }
  })
  const { servers, isJson } = readAskFlags(command)
  const rows = answers.flatMap(({ server, value }) =>
    names.map((name, i) => ({ function: name, [what.key]: value.areOn[i] === true, server })),
  )
  if (isJson) print(JSON.stringify(rows))
  for (const row of rows) {
    const where = servers.length > 1 ? ` on ${row.server}` : ''
    const name = showText(row.function)
    if (row[what.key] !== what.isOn) complain(spokenName(command), `${name} ${what.failed}${where}`)
    else if (!isJson) print(`${name} ${what.done}${where}`)
  }
  if (what.isOn) {
    // Perhaps it is misspelt, and another one goes on.
    const known = new Set(answers.flatMap(({ value }) => value.known.map(({ name }) => name)))
    for (const name of names) {
      if (known.has(name) || name.includes('*')) continue
      complain(spokenName(command), `there is no function ${showText(name)} yet; see geartrain function list`)
    }
  }
  return areAll && rows.every((row) => row[what.key] === what.isOn)
}

/** Resolves with whether it is on now. */
async function switchOne(control: Control, name: string, { key, isOn }: Switch): Promise<boolean> {
  const set = async (value: string | null) =>
    isSetOn(await control('function set', { name, values: { [key]: value } }), key)
  if (isOn) return set('true')
  // Taken back, so that a pattern counts again that it is one of; and only if that one has it on, against it.
  return (await set(null)) && (await set('false'))
}

function isSetOn({ settings }: FunctionPolicy, key: string): boolean {
  return settings.some((setting) => setting.key === key && setting.value === 'true')
}
