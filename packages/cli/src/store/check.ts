import { checkStore } from '@geartrain/server'
import { exitCodes } from '../fault.ts'
import { count, showBytes } from '../numbers.ts'
import { Progress } from '../progress.ts'
import { openSnapshot, storeFault } from './place.ts'

export interface CheckFlags {
  readonly full: boolean
  readonly json: boolean
}

/** Resolves with the exit code: 1 if something is wrong with the store. */
export function check(path: string, flags: CheckFlags): number {
  using snapshot = openSnapshot(path)
  const progress = new Progress()
  try {
    const { schemaVersion, bytes } = snapshot.stats()
    const { faults, hasMore, jobs, functions } = checkStore(snapshot, {
      isFull: flags.full,
      onProgress: (what, done, total) => progress.show(`checking ${what}`, done, total),
    })
    progress.clear()
    const isRight = faults.length === 0
    if (flags.json) {
      write(JSON.stringify({ ok: isRight, store: `sqlite:${path}`, jobs, functions, faults, more_faults: hasMore }))
    } else if (isRight) {
      const what = `${count(jobs, 'job')} of ${count(functions, 'function')}`
      write(`OK: ${what}, schema ${schemaVersion}, ${showBytes(bytes)}`)
    } else {
      for (const fault of faults) write(fault)
      const number = `${hasMore ? 'more than ' : ''}${count(faults.length, 'fault')}`
      write(`NOT OK: ${number} in sqlite:${path}; docs/store.md says what to do`)
    }
    return isRight ? 0 : exitCodes.failed
  } catch (error) {
    throw storeFault(error)
  } finally {
    progress.clear()
  }
}

function write(line: string): void {
  process.stdout.write(`${line}\n`)
}
