import type { ControlOperation, ControlOperations } from '@geartrain/client'
import { Admin, ConnectError, formatServer, GeartrainError, type ServerAddress, ServerError } from '@geartrain/client'
import type { Command } from 'commander'
import { type Answers, askServers, complainOfServer, noAnswer, readAskFlags } from './ask-servers.ts'
import { credentials, refusalSentence, serverFault } from './servers.ts'

/** Asks a Geartrain server for what no other Gearman server has. */
export type Control = <Operation extends ControlOperation>(
  operation: Operation,
  params: ControlOperations[Operation]['params'],
) => Promise<ControlOperations[Operation]['answer']>

/** Asks all servers at once. Says of each that did not answer why; throws a Fault if none did. */
export function controlAll<Value>(
  command: Command,
  ask: (control: Control) => Promise<Value>,
): Promise<Answers<Value>> {
  return askServers(command, (server, { timeoutMs }) => controlOne(server, timeoutMs, ask))
}

/** Asks the servers in their order, until one can be reached and has what is asked for. */
export async function controlFirst<Value>(
  command: Command,
  ask: (control: Control) => Promise<Value>,
): Promise<{ readonly server: string; readonly value: Value }> {
  const { servers, timeoutMs } = readAskFlags(command)
  const unreachable: [server: string, error: ConnectError][] = []
  const foreign: [server: string, error: ServerError][] = []
  let missing: GeartrainError | undefined
  for (const server of servers) {
    try {
      const value = await controlOne(server, timeoutMs, ask)
      for (const [name, error] of [...unreachable, ...foreign]) complainOfServer(command, name, error)
      return { server: formatServer(server), value }
    } catch (error) {
      if (error instanceof ConnectError) unreachable.push([formatServer(server), error])
      else if (isMissing(error)) missing ??= error
      else if (isForeign(error)) foreign.push([formatServer(server), error])
      else throw serverFault(error)
    }
  }
  if (missing === undefined) throw serverFault(noAnswer([...foreign, ...unreachable].map(([, error]) => error)))
  for (const [name, error] of [...unreachable, ...foreign]) complainOfServer(command, name, error)
  throw serverFault(missing)
}

/** A job with what the server that has it says; or, where none has it, why. */
export type HandleOutcome<Value> = { readonly handle: string } & (
  | { readonly server: string; readonly value: Value }
  | { readonly server: null; readonly why: string }
)

/** Asks for each job whichever server has it: one that rejects with NOT_FOUND or CONFLICT is not the one. */
export async function controlHandles<Value>(
  command: Command,
  handles: readonly string[],
  ask: (control: Control, handle: string) => Promise<Value>,
): Promise<{ readonly outcomes: readonly HandleOutcome<Value>[]; readonly areAll: boolean }> {
  const { answers, areAll } = await controlAll(command, (control) =>
    Promise.all(
      handles.map(async (handle): Promise<{ value: Value } | { why: string }> => {
        try {
          return { value: await ask(control, handle) }
        } catch (error) {
          if (isMissing(error) || isConflict(error)) return { why: refusalSentence(error) }
          throw error
        }
      }),
    ),
  )
  const outcomes = handles.map((handle, i): HandleOutcome<Value> => {
    const whys = new Set<string>()
    for (const { server, value } of answers) {
      const outcome = value[i]
      if (outcome === undefined) continue
      if ('value' in outcome) return { handle, server, value: outcome.value }
      whys.add(outcome.why)
    }
    return { handle, server: null, why: [...whys].join('; ') }
  })
  return { outcomes, areAll }
}

/** That there is no such job, function or schedule. */
export function isMissing(error: unknown): error is ServerError {
  return error instanceof ServerError && error.serverCode === 'NOT_FOUND'
}

/** That the server is none of Geartrain: the library's own word. */
function isForeign(error: unknown): error is ServerError {
  return error instanceof ServerError && error.serverCode === ''
}

function isConflict(error: unknown): error is ServerError {
  return error instanceof ServerError && error.serverCode === 'CONFLICT'
}

async function controlOne<Value>(
  address: ServerAddress,
  timeoutMs: number,
  ask: (control: Control) => Promise<Value>,
): Promise<Value> {
  await using admin = await Admin.connect(address, { ...credentials(), connectTimeoutMs: timeoutMs })
  try {
    return await ask((operation, params) => admin.control(operation, params, { timeoutMs }))
  } catch (error) {
    if (!isForeign(error)) throw error
    const server = formatServer(address)
    throw new ServerError('', `${server} is another Gearman server, and this command needs a Geartrain server`)
  }
}
