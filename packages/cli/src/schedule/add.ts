import type { Priority, ScheduleDefinition } from '@geartrain/client'
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
  try {
    await control('schedule show', { name, runs: 0 })
  } catch (error) {
    if (isMissing(error)) return
    throw error
  }
  throw new Fault(`there is a schedule ${showText(name)}: --replace puts this one in its place`, exitCodes.failed)
}

async function readDefinition(
  command: Command,
  name: string,
  jobFunction: string,
  payload: string | undefined,
): Promise<ScheduleDefinition> {
  const flags = command.opts<{
    cron?: string
    every?: string
    at?: string
    timezone?: string
    missed?: 'skip' | 'once' | 'all'
    overlap: boolean
    priority?: Priority
    unique?: string
    then?: string
    paused?: boolean
  }>()
  const { cron, every, at, timezone, missed, priority, unique, paused } = flags
  const times = [cron, every, at].filter((time) => time !== undefined)
  if (times.length !== 1) throw new Fault('a schedule has one of --cron, --every and --at', exitCodes.usage)
  return {
    name,
    function: jobFunction,
    ...(payload === undefined ? {} : { workload: toBytes(await readPayload(payload, undefined)) }),
    ...(cron === undefined ? {} : { cron }),
    ...(every === undefined ? {} : { every }),
    ...(at === undefined ? {} : { at: timezone === undefined ? hereAt(at) : at }),
    ...(timezone === undefined ? {} : { timezone }),
    ...(missed === undefined ? {} : { missed }),
    ...(flags.overlap ? {} : { overlap: false }),
    ...(priority === undefined ? {} : { priority }),
    ...(unique === undefined ? {} : { unique }),
    // biome-ignore lint/suspicious/noThenProperty: a field of that name, as in the protocol; nobody awaits a definition.
    ...(flags.then === undefined ? {} : { then: flags.then }),
    ...(paused === true ? { paused } : {}),
  }
}

/** A time that the clock here shows, or one from now, for a server that may be elsewhere. What is none, it refuses. */
function hereAt(text: string): string {
  return readRunAt(text, Date.now())?.toISOString() ?? text
}
