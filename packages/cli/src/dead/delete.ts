import { type DeadFilter, ServerError } from '@geartrain/client'
import type { Command } from 'commander'
import { readAskFlags, spokenName } from '../ask-servers.ts'
import { confirm } from '../confirm.ts'
import { type Control, controlAll, controlHandles } from '../control.ts'
import { count } from '../numbers.ts'
import { complain, print } from '../output.ts'
import { hintAtPattern } from '../pattern-hint.ts'
import { showText } from '../table.ts'
import { readFilter } from './filter.ts'
import { withDead } from './pages.ts'

/** True if all servers have answered and all jobs were there. */
export async function deleteDead(command: Command, handles: readonly string[]): Promise<boolean> {
  const filter = readFilter(command, handles)
  return filter === undefined ? deleteHandles(command, handles) : deleteFiltered(command, filter)
}

async function deleteHandles(command: Command, handles: readonly string[]): Promise<boolean> {
  const { outcomes, areAll } = await controlHandles(command, handles, async (control, handle) => {
    const { deleted } = await control('dead delete', { handles: [handle] })
    if (deleted === 0) throw new ServerError('NOT_FOUND', 'there is no such dead job')
  })
  const rows = outcomes.map(({ handle, server }) => ({ handle, deleted: server !== null, server }))
  const { servers, isJson } = readAskFlags(command)
  if (isJson) print(JSON.stringify(rows))
  for (const { handle, deleted, server } of rows) {
    if (!deleted) complain(spokenName(command), `no server has a dead job ${showText(handle)}`)
    else if (!isJson) print(`deleted ${showText(handle)}${servers.length > 1 ? ` on ${server}` : ''}`)
  }
  return areAll && rows.every(({ deleted }) => deleted)
}

async function deleteFiltered(command: Command, filter: DeadFilter): Promise<boolean> {
  await confirm(command, () => question(command, filter))
  const { servers, isJson } = readAskFlags(command)
  const { answers, areAll } = await withDead(command, filter, 'deleting job', deleteChunks)
  if (isJson) print(JSON.stringify(answers.map(({ server, value }) => ({ deleted: value, server }))))
  else
    for (const { server, value } of answers) {
      print(`deleted ${count(value, 'job')}${servers.length > 1 ? ` on ${server}` : ''}`)
    }
  hintAtPattern(
    command,
    filter.function,
    answers.reduce((sum, { value }) => sum + value, 0),
  )
  return areAll
}

/** Resolves with how many. */
async function deleteChunks(control: Control, chunks: AsyncIterable<readonly string[]>): Promise<number> {
  let deleted = 0
  for await (const handles of chunks) deleted += (await control('dead delete', { handles })).deleted
  return deleted
}

async function question(command: Command, filter: DeadFilter): Promise<string> {
  const of = filter.function === undefined ? '' : ` of ${showText(filter.function)}`
  if (filter.reason !== undefined) return `Delete all dead jobs${of} whose reason is ${filter.reason}?`
  const params = filter.function === undefined ? {} : { names: [filter.function] }
  const { answers } = await controlAll(command, (control) => control('functions', params))
  let dead = 0
  for (const each of answers.flatMap(({ value }) => value.functions)) dead += each.dead
  return `Delete ${count(dead, 'dead job')}${of}?`
}
