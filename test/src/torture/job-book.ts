import type { JobRecord } from './job-record.ts'
import type { Submission } from './submission.ts'

/** All handles that were ever given out, and their jobs as long as they matter. */
export class JobBook {
  /** By handle, those that have gone too for a while. */
  readonly all = new Map<string, JobRecord>()
  /** Those that have not gone for good. */
  readonly live = new Set<JobRecord>()
  /** Numbers of handles that are not remembered any more. */
  readonly #retired = new Set<number>()
  readonly #byKey = new Map<string, Set<JobRecord>>()
  readonly #byUnique = new Map<string, Set<JobRecord>>()

  find(handle: string): JobRecord | undefined {
    return this.all.get(handle)
  }

  /** The handle was a job's that ended too long ago to be remembered. */
  isRetired(handle: string): boolean {
    return this.#retired.has(numberOf(handle))
  }

  add(job: JobRecord): void {
    this.all.set(job.handle, job)
    this.live.add(job)
  }

  /** It is one of these that made it. What they agree in is known of the job. */
  identify(job: JobRecord, creators: readonly Submission[]): void {
    const [one] = creators
    job.creators = creators
    if (one === undefined || job.unique !== undefined) return
    job.function = one.function
    if (creators.some(({ unique }) => unique !== one.unique)) return
    job.unique = one.unique
    job.key = one.key
    if (job.isGone) return
    if (job.key !== undefined) addTo(this.#byKey, job.key, job)
    addTo(this.#byUnique, one.unique, job)
  }

  /** It has gone for good. */
  bury(job: JobRecord): void {
    this.live.delete(job)
    if (job.key !== undefined) removeFrom(this.#byKey, job.key, job)
    if (job.unique !== undefined) removeFrom(this.#byUnique, job.unique, job)
  }

  /** Those that went before that life are not remembered any more, but for their handles. */
  retire(life: number): void {
    for (const job of this.all.values()) {
      if (job.goneIn >= life) continue
      this.all.delete(job.handle)
      this.#retired.add(numberOf(job.handle))
    }
  }

  /** Of those that have not gone. */
  withKey(key: string): Iterable<JobRecord> {
    return this.#byKey.get(key) ?? []
  }

  withUnique(unique: string): JobRecord[] {
    return [...(this.#byUnique.get(unique) ?? [])]
  }

  /** A job that a worker who asks for it must get. */
  due(nowMs: number): JobRecord | undefined {
    for (const job of this.live) {
      if (!job.mayBeAlive || job.isUncertain || job.holder !== undefined || job.ends.length > 0) continue
      if (job.creators !== undefined && job.runAtMsMax <= nowMs && job.isSurelyAlive) return job
    }
    return undefined
  }

  /** Handles that one may ask about: so many of the youngest that live, and of those that have ended. */
  handles(countMax: number): { live: string[]; gone: string[] } {
    const live = [...this.live].slice(-countMax).map(({ handle }) => handle)
    const gone: string[] = []
    for (const job of this.all.values()) if (job.isGone) gone.push(job.handle)
    return { live, gone: gone.slice(-countMax) }
  }
}

function numberOf(handle: string): number {
  return Number(handle.slice(handle.lastIndexOf(':') + 1))
}

function addTo<T>(map: Map<string, Set<T>>, key: string, item: T): void {
  const items = map.get(key)
  if (items === undefined) map.set(key, new Set([item]))
  else items.add(item)
}

function removeFrom<T>(map: Map<string, Set<T>>, key: string, item: T): void {
  const items = map.get(key)
  items?.delete(item)
  if (items?.size === 0) map.delete(key)
}
