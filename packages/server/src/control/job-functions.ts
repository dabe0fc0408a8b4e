import type { Engine } from '@geartrain/engine'
import type { Handles } from '../handles.ts'
import type { Schedules } from '../schedules/schedules.ts'
import type { Inquiry } from './inquiry.ts'

/** Of which function the job of a handle is: what someone may do with it depends on that. */
export class JobFunctions {
  readonly #engine: Engine
  readonly #handles: Handles
  readonly #schedules: Schedules
  readonly #inquiry: Inquiry

  constructor(engine: Engine, handles: Handles, schedules: Schedules, inquiry: Inquiry) {
    this.#engine = engine
    this.#handles = handles
    this.#schedules = schedules
    this.#inquiry = inquiry
  }

  /** Undefined: there is no such job or schedule. Rejects with a ControlError if the store can't say. */
  async of(handle: string): Promise<string | undefined> {
    const number = this.#handles.parse(handle)
    if (Number.isNaN(number)) return undefined
    const known = this.#schedules.functionByHandle(number) ?? this.#engine.findJob(number)?.function.name
    if (known !== undefined) return known
    const { job } = await this.#inquiry.ask({ kind: 'describe', number: this.#handles.total(number) }, 'describe')
    return job?.function
  }
}
