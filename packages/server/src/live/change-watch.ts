import type { Job, JobFunction, JobOutcome, Observer } from '@geartrain/engine'
import type { Handles } from '../handles.ts'
import type { Change } from './bulletin.ts'

/** Tells of jobs that have become dead ones, and of workers that come and leave. */
export class ChangeWatch implements Observer {
  readonly #handles: Handles
  readonly #tell: (change: Change) => void

  constructor(handles: Handles, tell: (change: Change) => void) {
    this.#handles = handles
    this.#tell = tell
  }

  ended({ function: { name }, number }: Job, _outcome: JobOutcome, isDead: boolean): void {
    if (isDead) this.#tellDeath(name, number)
  }

  endedOnDisk({ name }: JobFunction, number: number, _outcome: JobOutcome, isDead: boolean): void {
    if (isDead) this.#tellDeath(name, number)
  }

  workersChanged({ name, workerCount }: JobFunction): void {
    this.#tell({ kind: 'workers', function: name, workers: workerCount })
  }

  submitted(): void {}
  joined(): void {}
  assigned(): void {}
  progressed(): void {}
  sentData(): void {}
  retried(): void {}

  #tellDeath(name: string, number: number): void {
    this.#tell({ kind: 'job died', function: name, handle: this.#handles.text(number) })
  }
}
