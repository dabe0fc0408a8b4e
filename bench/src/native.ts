import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const sources = fileURLToPath(new URL('../load/', import.meta.url))
const cache = fileURLToPath(new URL('../../node_modules/.cache/geartrain-bench/', import.meta.url))

/**
 * Compiles `load/NAME.c` and returns the program's path. The path carries a hash of the sources, so that an unchanged
 * program is compiled once and a changed one never mistaken for its predecessor.
 */
export async function compile(name: 'load' | 'floor'): Promise<string> {
  const hash = createHash('sha256')
  for (const file of [`${name}.c`, ...(await headers())]) hash.update(await readFile(`${sources}${file}`))
  const program = `${cache}${name}-${hash.digest('hex').slice(0, 16)}`
  if (await exists(program)) return program

  await mkdir(cache, { recursive: true })
  // Renamed into place, so that a second bench that starts now never runs half a program.
  const unfinished = `${program}.${process.pid}`
  const compiler = process.env['CC'] ?? 'cc'
  try {
    await promisify(execFile)(compiler, ['-O2', '-o', unfinished, `${sources}${name}.c`])
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new Error(
        `there is no C compiler '${compiler}', and a load generator in JavaScript would measure itself: apt-get install gcc libc6-dev`,
        { cause: error },
      )
    }
    throw error
  }
  await rename(unfinished, program)
  return program
}

async function headers(): Promise<string[]> {
  return (await readdir(sources)).filter((file) => file.endsWith('.h')).sort()
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
