import { JobFunction } from './function.ts'
import type { Job } from './job.ts'
import type { Policy } from './policy.ts'

/** What `drop` did. */
export type DropOutcome = 'dropped' | 'not found' | 'in use'

/** The functions by name, in the order they were first named. */
export class FunctionTable {
  readonly #byName = new Map<string, JobFunction>()
  readonly #functionsMax: number
  readonly #policyOf: (name: string, options: string) => Policy

  constructor(functionsMax: number, policyOf: (name: string, options: string) => Policy) {
    this.#functionsMax = functionsMax
    this.#policyOf = policyOf
  }

  find(name: string): JobFunction | undefined {
    return this.#byName.get(name)
  }

  /** The function, which may be new; undefined if there are too many, and none that is idle would make room for it. */
  named(name: string): JobFunction | undefined {
    const known = this.#byName.get(name)
    if (known !== undefined) return known
    if (this.#byName.size >= this.#functionsMax && !this.#forgetIdle()) return undefined
    return this.#add(name)
  }

  /** The function, also if there are too many: it has jobs. */
  adopt(name: string): JobFunction {
    return this.#byName.get(name) ?? this.#add(name)
  }

  #add(name: string): JobFunction {
    const jobFunction = new JobFunction(name, (options) => this.#policyOf(name, options))
    this.#byName.set(name, jobFunction)
    return jobFunction
  }

  /** Only a function without jobs and workers can be dropped. */
  drop(name: string): DropOutcome {
    const jobFunction = this.#byName.get(name)
    if (jobFunction === undefined) return 'not found'
    if (jobFunction.workerCount > 0 || jobFunction.bridgeCount > 0 || jobFunction.jobCount > 0) return 'in use'
    this.#byName.delete(name)
    return 'dropped'
  }

  /** The live job with this unique, of the function that was named first where several have one. */
  findJobByUnique(unique: string): Job | undefined {
    for (const jobFunction of this.#byName.values()) {
      const job = jobFunction.findByUnique(unique)
      if (job !== undefined) return job
    }
    return undefined
  }

  [Symbol.iterator](): IterableIterator<JobFunction> {
    return this.#byName.values()
  }

  /** The oldest; false if there is none. */
  #forgetIdle(): boolean {
    for (const jobFunction of this.#byName.values()) {
      if (jobFunction.isIdle) return this.#byName.delete(jobFunction.name)
    }
    return false
  }
}
