import type { ScheduleDefinition } from '@geartrain/protocol'
import type { Schedule } from './schedule.ts'
import { ScheduleError } from './schedule-error.ts'

const schedulesMax = 10_000
/** Of all schedules together, as they are written. They are in memory all the time. */
const workloadCharactersMax = 64 * 1024 * 1024

/** All schedules that there are, by name. */
export class ScheduleTable {
  readonly #byName = new Map<string, Schedule>()
  readonly #byHandle = new Map<number, Schedule>()
  #workloadCharacters = 0

  /** In the order they came. */
  get all(): readonly Schedule[] {
    return [...this.#byName.values()]
  }

  get(name: string): Schedule | undefined {
    return this.#byName.get(name)
  }

  /** By the digits of its handle. */
  byHandle(total: number): Schedule | undefined {
    return this.#byHandle.get(total)
  }

  add(schedule: Schedule): void {
    this.#byName.set(schedule.definition.name, schedule)
    this.#workloadCharacters += workloadCharacters(schedule.definition)
    if (schedule.handleTotal !== undefined) this.#byHandle.set(schedule.handleTotal, schedule)
  }

  remove(schedule: Schedule | undefined): void {
    if (schedule === undefined) return
    this.#byName.delete(schedule.definition.name)
    this.#workloadCharacters -= workloadCharacters(schedule.definition)
    if (schedule.handleTotal !== undefined) this.#byHandle.delete(schedule.handleTotal)
  }

  /** Throws a ScheduleError if there is no room for another one, or for this one in the place of `before`. */
  refuseMore(definition: ScheduleDefinition, before: Schedule | undefined): void {
    if (before === undefined && this.#byName.size >= schedulesMax) {
      throw new ScheduleError('CONFLICT', `there are ${schedulesMax} schedules, which is as many as there can be`)
    }
    const freed = before === undefined ? 0 : workloadCharacters(before.definition)
    const added = workloadCharacters(definition)
    if (added > freed && this.#workloadCharacters - freed + added > workloadCharactersMax) {
      const why = `the workloads of all schedules have at most ${workloadCharactersMax / 1024 / 1024} MiB together`
      throw new ScheduleError('CONFLICT', `${why}: give this one a shorter workload, or remove others`)
    }
  }
}

function workloadCharacters({ workload }: ScheduleDefinition): number {
  if (workload === undefined) return 0
  return 'text' in workload ? workload.text.length : workload.base64.length
}
