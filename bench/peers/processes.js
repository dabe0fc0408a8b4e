import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'

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

/** Of all its threads that live. From the scheduler, since /proc/PID/stat counts in steps of 10 ms. */
export function cpuSecondsOf(pid) {
  const tasks = `/proc/${pid}/task`
  const nanoseconds = readdirSync(tasks).map((task) =>
    Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0]),
  )
  return nanoseconds.reduce((sum, count) => sum + count, 0) / 1e9
}

/** What stands at the given share of a sorted list. */
export function quantile(sorted, share) {
  return sorted[Math.floor((sorted.length - 1) * share)]
}
