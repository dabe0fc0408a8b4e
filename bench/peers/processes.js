import { once } from 'node:events'
import { readFileSync } from 'node:fs'

/** The next message of a child; rejects if it ends instead. */
export async function message(child) {
  const ended = new AbortController()
  const onExit = () => ended.abort(new Error(`${child.spawnargs.slice(1, 3).join(' ')} ended`))
  child.once('exit', onExit)
  try {
    const [content] = await once(child, 'message', { signal: ended.signal })
    return content
  } catch (error) {
    throw error.cause ?? error
  } finally {
    child.removeListener('exit', onExit)
  }
}

/** Of all threads, in steps of 10 ms. */
export function cpuSecondsOf(pid) {
  // Only the command's name, the second field, may have blanks in it; it ends with the last parenthesis.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** What stands at the given share of a sorted list. */
export function quantile(sorted, share) {
  return sorted[Math.floor((sorted.length - 1) * share)]
}
