import type { ControlOperations, JobSummary } from '@geartrain/protocol'

export type JobsAnswer = ControlOperations['jobs']['answer']

/** Jobs that are shown at a time. */
export const pageJobs = 50

/** The jobs of a page, as far as they have been found. */
export interface JobPage {
  readonly jobs: readonly JobSummary[]
  /** Where to go on; undefined: there are no more. */
  readonly next: string | undefined
  /** Not all that were to be found were, and it goes on. */
  readonly isLooking: boolean
}

/**
 * A page that is full or the last one: the server looks through a part of the jobs at a time, and a part may have few that
 * fit, or none. After so many looks it is what it is. `tell` gets what there is meanwhile.
 */
export async function fillPage(
  ask: (after: string | undefined, limit: number) => Promise<JobsAnswer>,
  { after, limit, looksMax }: { readonly after: string | undefined; readonly limit: number; readonly looksMax: number },
  tell: (page: JobPage) => void,
): Promise<JobPage> {
  const jobs: JobSummary[] = []
  let next = after
  for (let look = 1; ; look++) {
    const answer = await ask(next, limit - jobs.length)
    jobs.push(...answer.jobs)
    next = answer.next
    const page = { jobs: [...jobs], next }
    if (next === undefined || jobs.length >= limit || look >= looksMax) return { ...page, isLooking: false }
    tell({ ...page, isLooking: true })
  }
}

/** A job that is shown. */
export interface ShownJob {
  readonly job: JobSummary
  /** It is not where it was found any more. */
  readonly isGone: boolean
}

/**
 * The jobs as they are now, each in the place where it is shown: nothing moves while somebody points at it. And how many
 * there are besides.
 */
export function inPlace(
  shown: readonly ShownJob[],
  fresh: readonly JobSummary[],
): { readonly jobs: readonly ShownJob[]; readonly newCount: number } {
  const left = new Map(fresh.map((job) => [job.handle, job]))
  const jobs = shown.map(({ job }) => {
    const now = left.get(job.handle)
    left.delete(job.handle)
    return { job: now ?? job, isGone: now === undefined }
  })
  return { jobs, newCount: left.size }
}

/** Whole percent, from 0 to 100; undefined: it is not known. Workers say what they like. */
export function percentOf(numerator: number | undefined, denominator: number | undefined): number | undefined {
  if (numerator === undefined || denominator === undefined || denominator <= 0) return undefined
  return Math.round(100 * Math.min(1, Math.max(0, numerator / denominator)))
}
