import { setImmediate as nextIteration } from 'node:timers/promises'
import type { Actor } from '../access/actor.ts'
import { Exposition } from './exposition.ts'
import type { Figures } from './figures.ts'
import { functionFamilies } from './function-families.ts'
import { processFamilies } from './process-families.ts'
import { serverFamilies } from './server-families.ts'

export const metricsType = 'text/plain; version=0.0.4; charset=utf-8'
/** Dead jobs are counted anew when that is older. */
const deadAgeMsMax = 5000

/** The figures as Prometheus reads them. It is written in pieces, between which others have their turn. */
export class Metrics {
  readonly #figures: Figures
  /** The one that is being written for those who may see everything. */
  #writing: Promise<string> | undefined

  constructor(figures: Figures) {
    this.#figures = figures
  }

  /** What the actor may see: of the server as a whole, those who may view all functions. */
  text(actor: Actor): Promise<string> {
    if (!actor.mayEverywhere('view')) return this.#write((name) => actor.may('view', name))
    return (this.#writing ??= this.#write(undefined).finally(() => {
      this.#writing = undefined
    }))
  }

  async #write(maySee: ((name: string) => boolean) | undefined): Promise<string> {
    await this.#figures.dead.refresh(deadAgeMsMax)
    const out = new Exposition()
    const pieces = maySee === undefined ? [serverFamilies(out, this.#figures)] : []
    for (const piece of functionFamilies(out, this.#figures, maySee)) {
      pieces.push(piece)
      await nextIteration()
    }
    if (maySee === undefined) pieces.push(await processFamilies())
    return pieces.join('')
  }
}
