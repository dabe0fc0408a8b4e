import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { messageOf } from './error.ts'

const folder = fileURLToPath(new URL('../peers/', import.meta.url))

/** The load generator for BullMQ. */
export const bullmqLoad: string = `${folder}bullmq.js`

/** What a program calls its version, by the first group of the pattern, or undefined where it is not installed. */
export async function versionOf(program: string, flag: string, pattern: RegExp): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(program, [flag])
    return pattern.exec(stdout)?.[1] ?? 'of an unknown version'
  } catch {
    return undefined
  }
}

/** Installs what `peers/package.json` lists if that has not been done; resolves with BullMQ's version. */
export async function installPeers(): Promise<string> {
  const wanted = await readFile(`${folder}package.json`, 'utf8')
  const mark = `${folder}node_modules/.installed`
  if ((await readFile(mark, 'utf8').catch(() => '')) !== wanted) {
    console.error('Installing BullMQ (npm install in bench/peers) ...')
    await run('npm', ['install', '--no-audit', '--no-fund'])
    await writeFile(mark, wanted)
  }
  const { version } = JSON.parse(await readFile(`${folder}node_modules/bullmq/package.json`, 'utf8')) as {
    version: string
  }
  return version
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
