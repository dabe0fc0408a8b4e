import { accessSync, constants, realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { StoreError } from '../store.ts'

/**
 * The path of a file after all links, so that one database has one lock. Throws a StoreError: there is no such
 * directory, nothing can be written to it, or the links lead nowhere.
 */
export function resolvePath(path: string): string {
  const directory = dirname(path)
  try {
    accessSync(`${directory}/`, constants.W_OK | constants.X_OK)
  } catch (error) {
    throw directoryError(path, directory, error)
  }
  try {
    return realpathSync(path)
  } catch (error) {
    // It will be made.
    if (codeOf(error) === 'ENOENT') return join(realpathSync(directory), basename(path))
    const message = `${path} can't be opened (${String(codeOf(error))}); see where it leads, or name another file`
    throw new StoreError('STORE_UNREADABLE', message, { cause: error })
  }
}

function directoryError(path: string, directory: string, cause: unknown): StoreError {
  const code = codeOf(cause)
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    const message = `${path} can't be opened: there is no directory ${directory}; make it, or name another file`
    return new StoreError('STORE_NO_DIRECTORY', message, { cause })
  }
  const message = `${path} can't be opened: files in ${directory} can't be made (${String(code)}); give this user the right to, or name another file`
  return new StoreError('STORE_READ_ONLY', message, { cause })
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
