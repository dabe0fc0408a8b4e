import type { Engine } from '@geartrain/engine'
import type { Clock } from '../clock.ts'
import type { Handles } from '../handles.ts'
import type { JobWatch, Watcher } from '../job-watch.ts'
import type { Journal } from '../journal.ts'
import type { Links } from './links/links.ts'

/** How often the store is asked whether a job is there that this server does not have. */
const lookMs = 1000

export interface JobFollowContext {
  readonly clock: Clock
  readonly engine: Engine
  readonly handles: Handles
  /** Undefined: there is no store. */
  readonly journal: Journal | undefined
  readonly links: Links
  readonly jobWatch: JobWatch
}

/**
 * Sees what becomes of single jobs at whichever server of the cluster that is. All other servers tell it over the links
 * to them; where there is none, and for a server that was lost, the store is asked now and then whether there still is
 * such a job.
 */
export class JobFollow {
  readonly #context: JobFollowContext

  constructor(context: JobFollowContext) {
    this.#context = context
  }

  /**
   * Gives the way to stop. A handle may be of no job. `onGone` is called again and again, within a turn, while the store
   * has no such job that waits or runs, in case that nobody has said how it ended.
   */
  follow(handle: string, watcher: Watcher, onGone: () => void): () => void {
    const { handles, journal, links, jobWatch } = this.#context
    const leave = jobWatch.watch(handle, watcher)
    const number = handles.parse(handle)
    if (journal?.isShared !== true || Number.isNaN(number)) return leave
    const leaveOthers = links.watch(handles.total(number), watcher)
    const stopLooks = this.#look(journal, number, onGone)
    return () => {
      leave()
      leaveOthers()
      stopLooks()
    }
  }

  #look(journal: Journal, number: number, onGone: () => void): () => void {
    const { clock, engine, handles } = this.#context
    let isOver = false
    let stopTimer = () => {}
    let wasThere = true
    const wait = () => {
      if (!isOver) stopTimer = clock.after(lookMs, look)
    }
    const look = () => {
      const job = engine.findJob(number)
      if (job !== undefined && job.state !== 'stored') return wait()
      journal.lookUp({ kind: 'find', number: handles.total(number) }, (answer) => {
        const isThere = answer.kind !== 'find' || answer.job !== undefined
        // What another server says of its end may be on its way.
        if (!isOver && !isThere && !wasThere) onGone()
        wasThere = isThere
        wait()
      })
    }
    wait()
    return () => {
      isOver = true
      stopTimer()
    }
  }
}
