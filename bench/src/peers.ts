import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { messageOf } from './error.ts'

const folder = fileURLToPath(new URL('../peers/', import.meta.url))

/** Libraries with a client and a worker; those of others are npm packages of these names. */
export const libraryNames = [
  'geartrain',
  'bullmq',
  'abraxas',
  'gearman',
  'node-gearman',
  'gearmanode',
  'gearman-node',
] as const
export type LibraryName = (typeof libraryNames)[number]

/** The load generator for BullMQ. */
export const bullmqLoad: string = `${folder}bullmq.js`

/** The load of `queue`, for a file in peers/queues. */
export function queueLoad(queue: string): readonly string[] {
  return [process.execPath, `${folder}queue.js`, queue]
}

/** The load generator that is a library's client and worker, as a command. */
export function libraryLoad(library: LibraryName): readonly string[] {
  return [process.execPath, `${folder}library.js`, library]
}

/** What a program calls its version, by the first group of the pattern, or undefined where it is not installed. */
export async function versionOf(program: string, flag: string, pattern: RegExp): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(program, [flag])
    return pattern.exec(stdout)?.[1] ?? 'of an unknown version'
  } catch {
    return undefined
  }
}

/** Installs what `peers/package.json` lists if that has not been done. */
async function installPeers(): Promise<void> {
  const wanted = await readFile(`${folder}package.json`, 'utf8')
  const mark = `${folder}node_modules/.installed`
  if ((await readFile(mark, 'utf8').catch(() => '')) !== wanted) {
    console.error('Installing BullMQ and others (npm install in bench/peers) ...')
    await run('npm', ['install', '--no-audit', '--no-fund'])
    await writeFile(mark, wanted)
  }
}

/** Of a library; ours is here. Rejects with a sentence that says why it can't be had. */
export function libraryVersions(library: LibraryName): Promise<Record<string, string>> {
  return library === 'geartrain' ? Promise.resolve({}) : packageVersions(library)
}

/** Of a package of `peers/package.json`. Rejects as above. */
export async function packageVersions(library: string): Promise<Record<string, string>> {
  try {
    await installPeers()
    const { version } = JSON.parse(await readFile(`${folder}node_modules/${library}/package.json`, 'utf8')) as {
      version: string
    }
    return { [library]: version }
  } catch (error) {
    throw new Error(`it cannot be installed: ${messageOf(error)}`, { cause: error })
  }
}

async function run(program: string, args: readonly string[]): Promise<void> {
  // What npm has to say is not part of our output.
  const child = spawn(program, args, { cwd: folder, stdio: ['ignore', 2, 2] })
  try {
    const [code] = (await once(child, 'exit')) as [number | null]
    if (code !== 0) throw new Error(`it ended with ${code}`)
  } catch (error) {
    throw new Error(`${program} ${args.join(' ')} failed: ${messageOf(error)}`, { cause: error })
  }
}
