import { execFile } from 'node:child_process'
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { JobHandler } from '@geartrain/client'
import { exitCodes, Fault } from '../fault.ts'

/** A function that a module does. */
export interface HandlerEntry {
  readonly function: string
  readonly handler: JobHandler
  readonly timeoutMs: number | undefined
  readonly concurrency: number | undefined
}

const shape = `export async function resize(job) { ... }, or export default { resize: async (job) => { ... } }`

/**
 * The handlers of a module: the entries of its default export, or, if it has none, its exported functions. An entry is
 * a function, or `{ handler, timeoutMs, concurrency }`. Fault if there are none, or it can't be loaded.
 */
export async function loadHandlers(file: string): Promise<readonly HandlerEntry[]> {
  const loaded = await load(file)
  const isDefault = 'default' in loaded
  const exported = isDefault ? loaded['default'] : loaded
  if (typeof exported === 'function') {
    throw new Fault(
      `the default export of ${file} is one function, and its name is not known: write ${shape}`,
      exitCodes.usage,
    )
  }
  const entries = isRecord(exported) ? Object.entries(exported) : []
  const handlers = entries
    // Beside handlers a module may export something else; in the default export each is meant to be one.
    .filter(([, value]) => isDefault || typeof value === 'function' || (isRecord(value) && 'handler' in value))
    .map(([name, value]) => toEntry(file, name, value))
  if (handlers.length === 0) throw new Fault(`${file} exports no handlers: write ${shape}`, exitCodes.usage)
  return handlers
}

async function load(file: string): Promise<Readonly<Record<string, unknown>>> {
  const path = resolve(file)
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) {
    const advice = `for jobs of the function ${file} give a command to do them: geartrain work ${file} -- COMMAND`
    throw new Fault(`there is no file ${file}; ${advice}`, exitCodes.usage)
  }
  try {
    const loaded: unknown = await import(pathToFileURL(path).href)
    if (!isRecord(loaded)) return {}
    const { default: exported } = loaded
    // What TypeScript and others make of a module when it is to be CommonJS.
    return isRecord(exported) && exported['__esModule'] === true ? exported : loaded
  } catch (error) {
    throw new Fault(`${file} can't be loaded: ${await loadingReason(error, path)}`, exitCodes.usage, { cause: error })
  }
}

/** With the place, which Node keeps to itself for a syntax error in an ES module. */
async function loadingReason(error: unknown, path: string): Promise<string> {
  if (!(error instanceof Error)) return String(error)
  if ('code' in error && error.code === 'ERR_UNKNOWN_FILE_EXTENSION' && /\.[mc]?ts$/.test(path)) {
    return `Node ${process.version} runs no TypeScript: compile it, or take Node 22.18 or later`
  }
  const place =
    findPlace(error.stack) ?? (error instanceof SyntaxError ? findPlace(await checkSyntax(path)) : undefined)
  const { name, message } = error
  return `${name}: ${message.split('\n')[0]}${place === undefined ? '' : ` (${place})`}`
}

/** The first file and line in what Node writes of an error that are not its own. */
function findPlace(text = ''): string | undefined {
  return /(?:^|[\s(])(?:file:\/\/)?(\/[^\s()]+:\d+)/.exec(text)?.[1]
}

function checkSyntax(path: string): Promise<string> {
  return new Promise((done) => {
    execFile(process.execPath, ['--check', path], (_, __, stderr) => done(stderr))
  })
}

function toEntry(file: string, name: string, value: unknown): HandlerEntry {
  const { handler, timeoutMs, concurrency } = isRecord(value)
    ? { handler: undefined, timeoutMs: undefined, concurrency: undefined, ...value }
    : { handler: value, timeoutMs: undefined, concurrency: undefined }
  const where = `${file}: ${name}`
  if (typeof handler !== 'function') {
    throw new Fault(`${where} is no handler: it must be a function, or an object with one as handler`, exitCodes.usage)
  }
  // What the function takes is the user's word.
  const checked = handler as JobHandler
  return {
    function: name,
    handler: checked,
    timeoutMs: optionalNumber(timeoutMs, `${where}: timeoutMs`, 1000),
    concurrency: optionalNumber(concurrency, `${where}: concurrency`, 1),
  }
}

function optionalNumber(value: unknown, what: string, min: number): number | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value < 2 ** 31) return value
  throw new Fault(`${what} must be a whole number from ${min}, not ${JSON.stringify(value)}`, exitCodes.usage)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
