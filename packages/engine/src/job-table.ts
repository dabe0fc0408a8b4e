import type { Job } from './job.ts'

const pageJobs = 1024

interface Page {
  readonly jobs: (Job | undefined)[]
  live: number
}

/**
 * Live jobs by number. Numbers mostly rise, so pages of neighbours serve better than one large hash map, which would
 * stop the world to grow at a million jobs and could hold no more than 16 million.
 */
export class JobTable {
  size = 0
  readonly #pages = new Map<number, Page>()
  #lastKey = Number.NaN
  #lastPage: Page | undefined

  get(number: number): Job | undefined {
    const key = Math.floor(number / pageJobs)
    return this.#page(key)?.jobs[number - key * pageJobs]
  }

  add(job: Job): void {
    const key = Math.floor(job.number / pageJobs)
    const page = this.#page(key) ?? this.#newPage(key)
    page.jobs[job.number - key * pageJobs] = job
    page.live++
    this.size++
  }

  delete(job: Job): void {
    const key = Math.floor(job.number / pageJobs)
    const page = this.#page(key)
    if (page === undefined) return
    page.jobs[job.number - key * pageJobs] = undefined
    page.live--
    this.size--
    if (page.live === 0 && key !== this.#lastKey) this.#pages.delete(key)
  }

  /** In the order they came. */
  *[Symbol.iterator](): Generator<Job, void> {
    for (const page of this.#pages.values()) {
      for (const job of page.jobs) if (job !== undefined) yield job
    }
  }

  /** By number, those behind that one; all of them without one. Jobs that come or go meanwhile may be among them or not. */
  *from(after: number | undefined, isDescending: boolean): Generator<Job, void> {
    const start = after ?? (isDescending ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY)
    const firstKey = Math.floor(start / pageJobs)
    const keys = [...this.#pages.keys()].filter((key) => (isDescending ? key <= firstKey : key >= firstKey))
    keys.sort((one, other) => (isDescending ? other - one : one - other))
    for (const key of keys) {
      const jobs = this.#page(key)?.jobs ?? []
      for (let i = 0; i < jobs.length; i++) {
        const job = jobs[isDescending ? jobs.length - 1 - i : i]
        if (job !== undefined && (isDescending ? job.number < start : job.number > start)) yield job
      }
    }
  }

  #page(key: number): Page | undefined {
    return key === this.#lastKey ? this.#lastPage : this.#pages.get(key)
  }

  #newPage(key: number): Page {
    if (this.#lastPage?.live === 0) this.#pages.delete(this.#lastKey)
    const page: Page = { jobs: [], live: 0 }
    // Ten times as quick as Array.from, which showed among a million submissions a second.
    for (let i = 0; i < pageJobs; i++) page.jobs.push(undefined)
    this.#pages.set(key, page)
    this.#lastKey = key
    this.#lastPage = page
    return page
  }
}
