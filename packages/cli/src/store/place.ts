import { rmSync } from 'node:fs'
import {
  environmentName,
  findOwner,
  type Given,
  isPostgresUrl,
  readConfigFile,
  readEnvironment,
  reason,
  renameDurably,
  resolveSettings,
  SettingsError,
  SqliteStore,
  StoreError,
  StoreSnapshot,
  type StoreState,
  withoutPassword,
} from '@geartrain/server'
import type { Command } from 'commander'
import { exitCodes, Fault } from '../fault.ts'

const kind = 'sqlite:'

/** Flags of every command that works on a store in a file. */
export function addPlaceOptions(command: Command): Command {
  command.option('--store <store>', 'the store: sqlite:PATH, or the path alone (default: that of geartrain serve)')
  return addConfigOption(command)
}

export function addConfigOption(command: Command): Command {
  return command.option('--config <file>', 'configuration file of geartrain serve, to find the store by')
}

/** The path of the store that is meant; `argument` is the word after the command, where it takes one. */
export async function findStorePath(command: Command, argument?: string): Promise<string> {
  const name = await findStoreName(command, argument)
  if (name.startsWith(kind) && name.length > kind.length) return name.slice(kind.length)
  if (isPostgresUrl(name)) {
    throw new Fault('that is for a store in a file; of a database, geartrain doctor says how it is', exitCodes.usage)
  }
  throw new Fault(
    `there is nothing to see in a store "${withoutPassword(name)}": name one with --store sqlite:PATH`,
    exitCodes.usage,
  )
}

/** The URL of the database that is meant. */
export async function findDatabase(command: Command, argument?: string): Promise<string> {
  const name = await findStoreName(command, argument)
  if (isPostgresUrl(name)) return name
  const remedy = 'name a database with --store postgres://HOST/DATABASE'
  if (name.startsWith(kind)) {
    const path = name.slice(kind.length)
    throw new Fault(`the store ${path} is a file, which geartrain store check looks at: ${remedy}`, exitCodes.usage)
  }
  throw new Fault(`the store "${withoutPassword(name)}" is no database of PostgreSQL: ${remedy}`, exitCodes.usage)
}

async function findStoreName(command: Command, argument: string | undefined): Promise<string> {
  // An option with a value is a string once it is given.
  const flag = command.getOptionValue('store') as string | undefined
  if (argument !== undefined && flag !== undefined) {
    throw new Fault(
      `the store is named twice: "${withoutPassword(argument)}" and --store "${withoutPassword(flag)}"`,
      exitCodes.usage,
    )
  }
  const given = argument ?? flag
  return given === undefined ? readSetting(command) : toName(given)
}

export function openSnapshot(path: string): StoreSnapshot {
  try {
    return new StoreSnapshot(path)
  } catch (error) {
    throw storeFault(error)
  }
}

/** Does something with the store open for writing, which no server may have meanwhile. */
export async function withStore<T>(
  path: string,
  act: (store: SqliteStore, state: StoreState) => Promise<T>,
): Promise<T> {
  const store = new SqliteStore(path)
  try {
    return await act(store, await store.open(0))
  } catch (error) {
    throw storeFault(error)
  } finally {
    await store.close()
  }
}

/** The same with a store that is made for it, and is there when all has been done with it; before that nothing is. */
export async function withNewStore<T>(
  path: string,
  act: (store: SqliteStore, state: StoreState) => Promise<T>,
): Promise<T> {
  const partial = `${path}.part`
  const pid = findOwner(partial)
  if (pid !== undefined) throw new Fault(`process ${pid} is making ${path} just now: wait for it`, exitCodes.failed)
  const remove = (suffixes: readonly string[]) => {
    for (const suffix of suffixes) rmSync(partial + suffix, { force: true })
  }
  remove(['', '-wal', '-shm'])
  try {
    const result = await withStore(partial, act)
    renameDurably(partial, path)
    return result
  } finally {
    remove(['', '-wal', '-shm', '-lock'])
  }
}

/** What the store says is a sentence for the user. */
export function storeFault(error: unknown): unknown {
  return error instanceof StoreError ? new Fault(error.message, exitCodes.failed, { cause: error }) : error
}

/** What the system says when a file can't be written. Any other error is given back. */
export function writingFault(file: string, error: unknown): unknown {
  if (!(error instanceof Error && 'code' in error && 'syscall' in error)) return error
  const what = error.code === 'ENOSPC' ? 'there is no room left on its disk' : reason(error)
  return new Fault(`cannot write ${file}: ${what}`, exitCodes.failed, { cause: error })
}

/** What is no store and no URL is a path. */
function toName(text: string): string {
  return text === 'memory' || text.startsWith(kind) || /^[a-z][\w+.-]*:\/\//i.test(text) ? text : `${kind}${text}`
}

/** As `geartrain serve` finds it. Other settings may be wrong: they are not looked at. */
async function readSetting(command: Command): Promise<string> {
  try {
    const environment = readEnvironment(process.env).source
    const file = (command.getOptionValue('config') as string | undefined) ?? process.env[environmentName('config')]
    const fromFile = file === undefined || file === '' ? undefined : (await readConfigFile(file)).source
    const sources = [environment.get('store'), fromFile?.get('store')]
      .filter((given): given is Given => given !== undefined)
      .map((given) => new Map([['store', given] as const]))
    return resolveSettings(sources).store
  } catch (error) {
    if (error instanceof SettingsError) throw new Fault(error.message, exitCodes.usage, { cause: error })
    throw error
  }
}
