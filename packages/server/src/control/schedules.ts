import type { ControlOperations, ScheduleState } from '@geartrain/protocol'
import type { Journal } from '../journal.ts'
import type { Schedules } from '../schedules/schedules.ts'
import type { StoreFailure } from '../store/store.ts'
import { storeError } from './control-error.ts'

type Operations = ControlOperations

const previewRuns = 5

/** What is asked of schedules. A change is answered when the store has it. */
export class ScheduleControl {
  readonly #schedules: Schedules
  readonly #journal: Journal | undefined

  constructor(schedules: Schedules, journal: Journal | undefined) {
    this.#schedules = schedules
    this.#journal = journal
  }

  list({ function: name }: Operations['schedules']['params']): Operations['schedules']['answer'] {
    return { schedules: this.#schedules.list(name) }
  }

  show({ name, runs }: Operations['schedule show']['params']): ScheduleState {
    return this.#schedules.show(name, runs)
  }

  put(definition: Operations['schedule put']['params']): Promise<ScheduleState> {
    return this.#kept(this.#schedules.put(definition))
  }

  pause({ name }: Operations['schedule pause']['params']): Promise<ScheduleState> {
    return this.#kept(this.#schedules.pause(name))
  }

  resume({ name }: Operations['schedule resume']['params']): Promise<ScheduleState> {
    return this.#kept(this.#schedules.resume(name))
  }

  async run({ name }: Operations['schedule run']['params']): Promise<Operations['schedule run']['answer']> {
    const run = this.#schedules.run(name)
    await this.#kept(run)
    return { handle: run.handle ?? '' }
  }

  remove({ name }: Operations['schedule remove']['params']): Promise<Record<string, never>> {
    this.#schedules.remove(name)
    return this.#kept({})
  }

  preview({ runs = previewRuns, ...fields }: Operations['schedule preview']['params']): { readonly next: number[] } {
    return { next: this.#schedules.preview(fields, runs) }
  }

  async #kept<Answer>(answer: Answer): Promise<Answer> {
    const { failure } = await new Promise<{ failure: StoreFailure | undefined }>((resolve) => {
      if (this.#journal === undefined) resolve({ failure: undefined })
      else this.#journal.whenKept((failure) => resolve({ failure }))
    })
    if (failure !== undefined) throw storeError(failure, 'it is so from now on, and is kept when the store works again')
    return answer
  }
}
