import type { Engine } from '@geartrain/engine'

/** Why a server is not to be given work. */
export interface HealthReason {
  readonly code: 'STARTING' | 'SHUTTING_DOWN' | 'STORE_FAILED'
  readonly detail: string
}

/** Whether the server takes and gives out jobs. Reasons are told to everyone, and so say nothing of files and hosts. */
export class Health {
  /** It accepts connections; undefined: not yet. */
  isListening: boolean | undefined
  readonly #engine: Engine
  readonly #isStoreFailing: () => boolean

  constructor(engine: Engine, isStoreFailing: () => boolean) {
    this.#engine = engine
    this.#isStoreFailing = isStoreFailing
  }

  get isStopping(): boolean {
    return this.#engine.isDraining || this.isListening === false
  }

  /** None: it is ready. */
  get reasons(): HealthReason[] {
    const reasons: HealthReason[] = []
    if (this.isStopping) reasons.push({ code: 'SHUTTING_DOWN', detail: 'it is stopping: no new jobs are taken' })
    else if (this.isListening !== true) reasons.push({ code: 'STARTING', detail: 'it does not accept connections yet' })
    if (this.#isStoreFailing()) {
      reasons.push({ code: 'STORE_FAILED', detail: 'the store does not work: background jobs are refused' })
    }
    return reasons
  }
}
