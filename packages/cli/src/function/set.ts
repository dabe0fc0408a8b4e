import type { FunctionPolicy } from '@geartrain/client'
import { type AnyPolicySetting, policyKeys, policySettings } from '@geartrain/server'
import { type Command, Option } from 'commander'
import { readAskFlags } from '../ask-servers.ts'
import { controlAll } from '../control.ts'
import { exitCodes, Fault } from '../fault.ts'
import { print } from '../output.ts'
import { showText } from '../table.ts'

/** A flag for each setting of a policy. */
export function addPolicyOptions(command: Command): void {
  for (const key of policyKeys) {
    const { type, help, defaultText }: AnyPolicySetting = policySettings[key]
    const text = `${help} (default: ${defaultText || 'none'})`
    if (type.placeholder !== undefined) command.option(`--${key} <${type.placeholder}>`, text)
    else command.option(`--${key}`, text).addOption(new Option(`--no-${key}`).hideHelp())
  }
  const unset = new Option('--unset <setting>', 'take a setting back; can be said several times')
  command.addOption(unset.choices(policyKeys).argParser(appended))
}

/** True if all servers have answered. */
export async function setPolicy(command: Command, name: string, settings: readonly string[]): Promise<boolean> {
  const values = readValues(command, settings)
  const keys = Object.keys(values)
  if (keys.length === 0) {
    throw new Fault('nothing is to be set: say it as --attempts 5, attempts=5 or --unset attempts', exitCodes.usage)
  }
  const { answers, areAll } = await controlAll(command, (control) => control('function set', { name, values }))
  const { servers, isJson } = readAskFlags(command)
  if (isJson) {
    print(JSON.stringify(answers.map(({ server, value }) => ({ ...value, settings: settingsOf(value, keys), server }))))
    return areAll
  }
  for (const { server, value } of answers) {
    for (const line of setLines(value, keys)) print(`${line}${servers.length > 1 ? ` on ${server}` : ''}`)
  }
  return areAll
}

/** How those settings stand now. */
function setLines(policy: FunctionPolicy, keys: readonly string[]): string[] {
  return settingsOf(policy, keys).map(
    ({ key, value, source }) => `${showText(policy.name)}: ${key} = ${showText(value)} (${source})`,
  )
}

function settingsOf({ settings }: FunctionPolicy, keys: readonly string[]): FunctionPolicy['settings'] {
  return settings.filter(({ key }) => keys.includes(key))
}

/** What flags and KEY=VALUE say; null takes a setting back. */
function readValues(command: Command, settings: readonly string[]): Record<string, string | null> {
  const values = new Map<string, string | null>()
  const add = (key: string, value: string | null) => {
    if (values.has(key)) throw new Fault(`${key} is given twice`, exitCodes.usage)
    values.set(key, value)
  }
  const flags = command.opts<Readonly<Record<string, unknown>>>()
  for (const key of policyKeys) {
    const value = flags[new Option(`--${key}`).attributeName()]
    if (typeof value === 'string' || typeof value === 'boolean') add(key, String(value))
  }
  for (const setting of settings) {
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(setting) ?? []
    if (key === undefined || value === undefined) {
      throw new Fault(`"${setting}" is no setting: write KEY=VALUE, such as attempts=5`, exitCodes.usage)
    }
    add(key, value)
  }
  const { unset = [] } = command.opts<{ unset?: readonly string[] }>()
  for (const key of unset) add(key, null)
  return Object.fromEntries(values)
}

function appended(key: string, before: readonly string[] = []): readonly string[] {
  return [...before, key]
}
