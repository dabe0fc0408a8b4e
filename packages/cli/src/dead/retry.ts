import { type Bytes, type DeadFilter, ServerError } from '@geartrain/client'
import type { Command } from 'commander'
import { readAskFlags, spokenName } from '../ask-servers.ts'
import { type Control, controlHandles } from '../control.ts'
import { readPayload } from '../do/input.ts'
import { exitCodes, Fault } from '../fault.ts'
import { count } from '../numbers.ts'
import { complain, print } from '../output.ts'
import { hintAtPattern } from '../pattern-hint.ts'
import { toBytes } from '../payload-text.ts'
import { showText } from '../table.ts'
import { readFilter } from './filter.ts'
import { withDead } from './pages.ts'

/** True if all servers have answered and all jobs are tried again. */
export async function retryDead(command: Command, handles: readonly string[]): Promise<boolean> {
  const filter = readFilter(command, handles)
  const workload = await readNewPayload(command, handles)
  return filter === undefined ? retryHandles(command, handles, workload) : retryFiltered(command, filter)
}

/** True if it is tried again, with another payload if there is one. */
export async function retryHandles(
  command: Command,
  handles: readonly string[],
  workload: Bytes | undefined,
): Promise<boolean> {
  const { outcomes, areAll } = await controlHandles(command, handles, async (control, handle) => {
    const { refused } = await control('dead retry', { handles: [handle], ...(workload && { workload }) })
    const [refusal] = refused
    if (refusal !== undefined) throw new ServerError('CONFLICT', refusal.why)
  })
  const rows = outcomes.map(({ handle, server, ...rest }) => {
    const why = 'why' in rest ? { why: rest.why } : {}
    return { handle, retried: server !== null, server, ...why }
  })
  const { servers, isJson } = readAskFlags(command)
  if (isJson) print(JSON.stringify(rows))
  for (const { handle, why, server } of rows) {
    if (why !== undefined) complain(spokenName(command), `${showText(handle)} is not tried again: ${why}`)
    else if (!isJson) print(`${showText(handle)} is tried again${servers.length > 1 ? ` on ${server}` : ''}`)
  }
  return areAll && rows.every(({ retried }) => retried)
}

async function retryFiltered(command: Command, filter: DeadFilter): Promise<boolean> {
  const { servers, isJson } = readAskFlags(command)
  const { answers, areAll } = await withDead(command, filter, 'trying again job', retryChunks)
  const rows = answers.map(({ server, value }) => ({ ...value, server }))
  if (isJson) print(JSON.stringify(rows))
  for (const { retried, refused, server } of rows) {
    if (!isJson) print(`${count(retried, 'job')} tried again${servers.length > 1 ? ` on ${server}` : ''}`)
    for (const { handle, why } of refused) {
      complain(spokenName(command), `${showText(handle)} is not tried again: ${why}`)
    }
  }
  hintAtPattern(
    command,
    filter.function,
    rows.reduce((sum, { retried, refused }) => sum + retried + refused.length, 0),
  )
  return areAll && rows.every(({ refused }) => refused.length === 0)
}

async function retryChunks(control: Control, chunks: AsyncIterable<readonly string[]>) {
  let retried = 0
  const refused: { readonly handle: string; readonly why: string }[] = []
  for await (const handles of chunks) {
    const answer = await control('dead retry', { handles })
    retried += answer.retried
    refused.push(...answer.refused)
  }
  return { retried, refused }
}

async function readNewPayload(command: Command, handles: readonly string[]): Promise<Bytes | undefined> {
  const { payload, payloadFile } = command.opts<{ payload?: string; payloadFile?: string }>()
  if (payload === undefined && payloadFile === undefined) return undefined
  if (payload !== undefined && payloadFile !== undefined) {
    throw new Fault('the payload is given twice: with --payload and with --payload-file', exitCodes.usage)
  }
  if (handles.length !== 1) throw new Fault('another payload is for one job: name its handle alone', exitCodes.usage)
  return payload === undefined ? toBytes(await readPayload(undefined, payloadFile)) : { text: payload }
}
