import { ProcessPool } from '@geartrain/client/processes'
import { ThreadPool } from '@geartrain/client/threads'
import { doLoose, handlers, LooseJob } from './loose-job.ts'

// Uses a pool, closes it, and writes what is still there. It has nothing that would end it but that nothing is left.

const [kind] = process.argv.slice(2)
const pool = kind === 'threads' ? new ThreadPool({ threads: 2 }) : new ProcessPool({ processes: 2 })
const job = new LooseJob()
const aborted = new LooseJob()
const outcome = doLoose(pool.handler(handlers, 'untilAborted'), aborted)
await doLoose(pool.handler(handlers), job)
await aborted.progressed.given
aborted.abort.abort()
await Promise.allSettled([outcome])
await pool.close()
// The loop lets go of a process that has ended at the end of its turn.
await new Promise(setImmediate)
await new Promise(setImmediate)

const resources = process.getActiveResourcesInfo().filter((name) => !/^(TTY|Pipe)Wrap$/.test(name))
process.stdout.write(JSON.stringify(resources))
