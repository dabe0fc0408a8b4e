import type { FunctionPolicy, FunctionState } from '@geartrain/client'
import type { Command } from 'commander'
import { readAskFlags } from '../ask-servers.ts'
import { controlAll } from '../control.ts'
import { print } from '../output.ts'
import { align, formatTable, showText } from '../table.ts'
import { stateOf } from './list.ts'

/** True if all servers have answered. */
export async function showFunction(command: Command, name: string): Promise<boolean> {
  const isAll = command.getOptionValue('all') === true
  const { answers, areAll } = await controlAll(command, async (control) => {
    const [policy, { functions }] = await Promise.all([
      control('function show', { name }),
      control('functions', { names: [name] }),
    ])
    return { policy, state: functions.find((each) => each.name === name) }
  })
  const { servers, isJson } = readAskFlags(command)
  if (isJson) {
    const rows = answers.map(({ server, value: { policy, state } }) => ({
      ...policy,
      settings: shownSettings(policy, isAll),
      state: state ?? null,
      server,
    }))
    print(JSON.stringify(rows))
    return areAll
  }
  for (const [i, { server, value }] of answers.entries()) {
    if (i > 0) print('')
    if (servers.length > 1) print(`on ${server}`)
    for (const line of functionLines(value.policy, value.state, isAll)) print(line)
  }
  return areAll
}

/** `state` is undefined of patterns, and of functions that nobody has used. */
export function functionLines(policy: FunctionPolicy, state: FunctionState | undefined, isAll: boolean): string[] {
  const settings = shownSettings(policy, isAll)
  return [
    ...align([['function', showText(policy.name)], ...(state === undefined ? [] : stateFacts(state))]),
    '',
    ...(settings.length === 0
      ? ['nothing is set: --all shows the defaults']
      : formatTable(settings, [
          ['setting', ({ key }) => key],
          ['value', ({ value }) => showText(value)],
          ['from', ({ source }) => source],
        ])),
  ]
}

function shownSettings({ settings }: FunctionPolicy, isAll: boolean): FunctionPolicy['settings'] {
  return isAll ? settings : settings.filter(({ isDefault }) => !isDefault)
}

function stateFacts(state: FunctionState): string[][] {
  const { ready, delayed, running, dead, workers } = state
  return [
    [
      'ready',
      `${ready.high + ready.normal + ready.low} (${ready.high} high, ${ready.normal} normal, ${ready.low} low)`,
    ],
    ['delayed', String(delayed)],
    ['running', String(running)],
    ['dead', String(dead)],
    ['workers', String(workers)],
    ['state', stateOf(state)],
  ]
}
