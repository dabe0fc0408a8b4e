import { backUp } from '@geartrain/server'
import { showBytes } from '../numbers.ts'
import { Progress } from '../progress.ts'
import { openSnapshot, storeFault, writingFault } from './place.ts'

export interface BackupFlags {
  readonly force: boolean
  readonly json: boolean
}

/** Copies a store into a file that is a store itself. */
export async function backup(path: string, file: string, flags: BackupFlags): Promise<void> {
  using snapshot = openSnapshot(path)
  const progress = new Progress()
  const jobs = snapshot.jobCount
  try {
    const bytes = await backUp(snapshot, file, {
      isForced: flags.force,
      onProgress: (done, total) => progress.show('copying page', done, total),
    })
    progress.clear()
    const said = flags.json ? JSON.stringify({ file, jobs, bytes }) : `${file}: ${jobs} jobs, ${showBytes(bytes)}`
    process.stdout.write(`${said}\n`)
  } catch (error) {
    throw writingFault(file, storeFault(error))
  } finally {
    progress.clear()
  }
}
