import type { ScheduleDefinition } from '@geartrain/client'
import type { Command } from 'commander'
import { readAskFlags } from '../ask-servers.ts'
import { type Control, controlFirst, isMissing } from '../control.ts'
import { readPayload } from '../do/input.ts'
import { readRunAt } from '../do/run-at.ts'
import { exitCodes, Fault } from '../fault.ts'
import { print } from '../output.ts'
import { toBytes } from '../payload-text.ts'
import { showText } from '../table.ts'
import { nextSentence } from './show.ts'

/** Flags that are fields of the definition, by the same name. */
const fieldFlags = ['cron', 'every', 'timezone', 'missed', 'priority', 'unique', 'then', 'paused'] as const
type Fields = Pick<ScheduleDefinition, (typeof fieldFlags)[number]>

export async function addSchedule(
  command: Command,
  name: string,
  jobFunction: string,
  payload: string | undefined,
): Promise<void> {
  const definition = await readDefinition(command, name, jobFunction, payload)
  const isReplacing = command.getOptionValue('replace') === true
  const { server, value } = await controlFirst(command, async (control) => {
    if (!isReplacing) await refusePresent(control, name)
    return control('schedule put', definition)
  })
  const { servers, isJson } = readAskFlags(command)
  if (isJson) print(JSON.stringify({ ...value, server }))
  else print(`${showText(name)}${servers.length > 1 ? ` on ${server}` : ''}: ${nextSentence(value, Date.now())}`)
}

async function refusePresent(control: Control, name: string): Promise<void> {
  const present = await control('schedule show', { name, runs: 0 }).catch((error: unknown) => {
    if (isMissing(error)) return undefined
    throw error
  })
  if (present === undefined) return
  const advice =
    present.origin === 'config'
      ? 'it is from the configuration file, and is changed there'
      : '--replace puts this one in its place'
  throw new Fault(`there is a schedule ${showText(name)}: ${advice}`, exitCodes.failed)
}

async function readDefinition(
  command: Command,
  name: string,
  jobFunction: string,
  payload: string | undefined,
): Promise<ScheduleDefinition> {
  const flags = command.opts<Fields & { readonly at?: string; readonly overlap: boolean }>()
  const given = fieldFlags.filter((flag) => flags[flag] !== undefined).map((flag) => [flag, flags[flag]])
  // Each has its own value.
  const fields = Object.fromEntries(given) as Fields
  const { at, overlap } = flags
  const times = [fields.cron, fields.every, at].filter((time) => time !== undefined)
  if (times.length !== 1) throw new Fault('a schedule has one of --cron, --every and --at', exitCodes.usage)
  return {
    name,
    function: jobFunction,
    ...fields,
    ...(payload === undefined ? {} : { workload: toBytes(await readPayload(payload, undefined)) }),
    ...(at === undefined ? {} : { at: fields.timezone === undefined || at.startsWith('+') ? hereAt(at) : at }),
    ...(overlap ? {} : { overlap }),
  }
}

/** A time that the clock here shows, or one from now, for a server that may be elsewhere. What is none, it refuses. */
function hereAt(text: string): string {
  return readRunAt(text.replace(' ', 'T'), Date.now())?.toISOString() ?? text
}
