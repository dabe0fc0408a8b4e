import { Admin, ConnectError, formatServer, GeartrainError, type ServerAddress } from '@geartrain/client'
import type { Command } from 'commander'
import { complain, print } from './output.ts'
import {
  credentials,
  listServers,
  reasonNotReached,
  serverFault,
  serversOption,
  timeoutOption,
  tlsOption,
  tokenOption,
} from './servers.ts'
import { type Column, formatTable } from './table.ts'

/** What a server has said. */
interface Answer<Value> {
  readonly server: string
  readonly value: Value
}

/** What all servers that could be asked have said. */
export interface Answers<Value> {
  readonly answers: readonly Answer<Value>[]
  /** Whether all servers have answered. Of those that have not, the user knows. */
  readonly areAll: boolean
}

/** What the flags say of commands that ask every server. */
export interface AskFlags {
  readonly servers: readonly ServerAddress[]
  readonly timeoutMs: number
  readonly isJson: boolean
}

const defaultTimeoutMs = 10_000

export function addAskOptions(command: Command): Command {
  return addUntimedAskOptions(command).addOption(
    timeoutOption('give a server up after this time').default(defaultTimeoutMs, '10'),
  )
}

/** The same for a command whose --timeout is something else. */
export function addUntimedAskOptions(command: Command): Command {
  return command
    .addOption(serversOption())
    .addOption(tokenOption())
    .addOption(tlsOption())
    .option('--json', 'say it in JSON')
}

/** Asks all servers at once. Says of each that did not answer why; throws a Fault if none did. */
export async function askServers<Value>(
  command: Command,
  ask: (server: ServerAddress, flags: AskFlags) => Promise<Value>,
): Promise<Answers<Value>> {
  const flags = readAskFlags(command)
  const asked = await Promise.allSettled(flags.servers.map((server) => ask(server, flags)))
  const answers: Answer<Value>[] = []
  const failed: [server: string, error: GeartrainError][] = []
  for (const [i, server] of flags.servers.entries()) {
    const outcome = asked[i]
    if (outcome?.status === 'fulfilled') answers.push({ server: formatServer(server), value: outcome.value })
    else if (outcome?.reason instanceof GeartrainError) failed.push([formatServer(server), outcome.reason])
    else throw outcome?.reason
  }
  if (answers.length === 0) throw serverFault(noAnswer(failed.map(([, error]) => error)))
  for (const [server, error] of failed) complainOfServer(command, server, error)
  return { answers, areAll: failed.length === 0 }
}

/** The same for what an administrative connection can tell. */
export function askAdmins<Value>(
  command: Command,
  ask: (admin: Admin, options: { readonly timeoutMs: number }) => Promise<Value>,
): Promise<Answers<Value>> {
  return askServers(command, async (server, { timeoutMs }) => {
    await using admin = await Admin.connect(server, { ...credentials(), connectTimeoutMs: timeoutMs })
    return await ask(admin, { timeoutMs })
  })
}

/**
 * Rows as a table, or with --json as they are. Which server it was is told if there are several. After all that comes
 * `tail`, which is cut where the terminal ends.
 */
export function printRows<Row extends { readonly server: string | null }>(
  command: Command,
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  tail?: Column<Row>,
): void {
  const { servers, isJson } = readAskFlags(command)
  if (isJson) {
    print(JSON.stringify(rows))
    return
  }
  const shown: readonly Column<Row>[] =
    servers.length > 1 ? [...columns, ['server', ({ server }) => server ?? '-']] : columns
  const lines =
    tail === undefined ? formatTable(rows, shown) : formatTable(rows, [...shown, tail], process.stdout.columns)
  for (const line of lines) print(line)
}

export function readAskFlags(command: Command): AskFlags {
  const { servers, timeout, json } = command.opts<{ servers?: string; timeout?: unknown; json?: boolean }>()
  const timeoutMs = typeof timeout === 'number' ? timeout : defaultTimeoutMs
  return { servers: listServers(servers), timeoutMs, isJson: json === true }
}

/** Says why one server has not answered, by a command that goes on. */
export function complainOfServer(command: Command, server: string, error: GeartrainError): void {
  const reason = reasonNotReached(error)
  complain(spokenName(command), reason.includes(server) ? reason : `${server}: ${reason}`)
}

/** The word after `geartrain`, which begins what a command says on stderr. */
export function spokenName(command: Command): string {
  const { parent } = command
  return parent === null || parent.parent === null ? command.name() : spokenName(parent)
}

/** Why none could be asked; that it was not reached is said of all of them together. */
export function noAnswer(errors: readonly GeartrainError[]): GeartrainError | undefined {
  const other = errors.find((error) => !(error instanceof ConnectError))
  return other ?? new ConnectError('no server could be reached', { cause: new AggregateError(errors) })
}
