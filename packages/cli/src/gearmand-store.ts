import { chownSync, existsSync, statSync } from 'node:fs'
import { isOurStore, type OpenLog } from '@geartrain/server'
import { Fault } from './fault.ts'
import { gearmandExitCode } from './gearmand-flags.ts'
import { bringQueueIn, openQueue } from './store/queue.ts'
import { tell } from './store/tally.ts'

/** What `-q libsqlite3` says. */
export interface QueueFile {
  readonly file: string
  /** C gearmand's own, which its jobs are imported from. */
  readonly table: string
}

/** The store of a queue file that is C gearmand's lies beside it. */
const besideSuffix = '.geartrain'
const filesOfStore = ['', '-wal', '-shm', '-lock']
const progressIntervalMs = 10_000

/**
 * The path of the store in the place of gearmand's queue file. That is the file itself, unless C gearmand has made it: then
 * its jobs are imported, once, into a store beside it, and it is kept as it is.
 */
export async function placeQueueStore({ file, table }: QueueFile, { startLog }: OpenLog): Promise<string> {
  const beside = `${file}${besideSuffix}`
  if (existsSync(beside)) {
    if (isOther(file)) {
      if (isNewer(file, beside)) {
        startLog.warn(
          `${file} was written to after its jobs were imported into ${beside}, and what came later is not in there; ` +
            `geartrain store import --from-gearmand-sqlite takes in all that it has, old jobs again as well`,
        )
      }
    } else if (existsSync(file)) {
      const sentence = `${file} and ${beside} are both stores: move the one away that is not to be used`
      throw new Fault(sentence, gearmandExitCode)
    }
    return beside
  }
  if (!isOther(file)) return file
  using queue = openQueue(file, table)
  startLog.info(`importing the ${queue.count} jobs of gearmand's queue ${file} into ${beside}`)
  let saidAt = performance.now()
  const tally = await bringQueueIn(beside, queue, (done) => {
    if (performance.now() - saidAt < progressIntervalMs) return
    saidAt = performance.now()
    startLog.info(`${done} of ${queue.count} jobs are imported`)
  })
  startLog.info(`${tell(tally)}; ${file} is kept as it is and is not read again`)
  return beside
}

/** Gives a store to the user that the server will run as. */
export function chownStore(path: string, uid: number, gid: number): void {
  for (const suffix of filesOfStore) if (existsSync(path + suffix)) chownSync(path + suffix, uid, gid)
}

/** There is a file, and it is no store of ours. */
function isOther(file: string): boolean {
  return existsSync(file) && !isOurStore(file)
}

/** The store was made while the file could not be written to. */
function isNewer(file: string, beside: string): boolean {
  return statSync(file).mtimeMs > statSync(beside).birthtimeMs
}
