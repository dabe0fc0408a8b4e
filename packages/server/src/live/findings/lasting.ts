import type { Symptom } from './symptoms.ts'

/** What is over is told for so long yet: it may only have been gone for a moment. Whoever resumes a function sees it at once. */
export const lingerMs = 5000
/** When nobody has looked for longer than that, nobody knows what was between. */
const pauseMsMax = 60_000

/** A symptom, since when it is there, and when it was seen last; in the engine's time. */
export interface Lasting {
  readonly symptom: Symptom
  readonly since: number
  readonly seenAt: number
}

/** Symptoms as they come, stay and go. One that goes for a moment and comes again has never been gone. */
export class LastingSymptoms {
  readonly #byKey = new Map<string, Lasting>()
  #updatedAt = Number.NEGATIVE_INFINITY

  /** All that there are, the worst first. */
  update(symptoms: readonly Symptom[], now: number): Lasting[] {
    if (now - this.#updatedAt > pauseMsMax) this.#byKey.clear()
    this.#updatedAt = now
    for (const symptom of symptoms) {
      const key = keyOf(symptom)
      this.#byKey.set(key, { symptom, since: sinceOf(symptom, this.#byKey.get(key), now), seenAt: now })
    }
    for (const [key, { symptom, seenAt }] of this.#byKey) {
      if (now - seenAt >= (symptom.kind === 'paused' ? 1 : lingerMs)) this.#byKey.delete(key)
    }
    return Array.from(this.#byKey.values()).sort(worstFirst)
  }
}

function keyOf(symptom: Symptom): string {
  return 'function' in symptom ? `${symptom.kind} ${symptom.function}` : symptom.kind
}

function sinceOf(symptom: Symptom, before: Lasting | undefined, now: number): number {
  const since = symptom.since ?? now
  if (before === undefined || handleOf(before.symptom) !== handleOf(symptom)) return since
  return Math.min(since, before.since)
}

function handleOf(symptom: Symptom): string | undefined {
  return symptom.kind === 'stuck' ? symptom.handle : undefined
}

/** In an order that does not change with every job that comes or goes. */
function worstFirst(one: Lasting, other: Lasting): number {
  return rank(one) - rank(other) || one.since - other.since || (keyOf(one.symptom) < keyOf(other.symptom) ? -1 : 1)
}

/** What is critical before what is not; the server before functions; then by how many jobs it is about, in powers of ten. */
function rank({ symptom }: Lasting): number {
  const size = 'count' in symptom ? Math.floor(Math.log10(symptom.count)) : sizeMax
  return (symptom.severity === 'critical' ? 0 : sizeMax + 1) + sizeMax - size
}

const sizeMax = 20
