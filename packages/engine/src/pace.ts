/** So long ago is lately. */
const paceMs = 50

/** How many attempts have ended lately: about as many will soon be begun. */
export class Pace {
  #since = 0
  #count = 0
  /** In the time before that, which was as long. */
  #before = 0

  add(now: number): void {
    const ageMs = now - this.#since
    if (ageMs >= paceMs) {
      this.#before = ageMs < 2 * paceMs ? this.#count : 0
      this.#count = 0
      this.#since = now
    }
    this.#count++
  }

  /** Those of the last 50 ms; it fades when no more end. */
  lately(now: number): number {
    const age = (now - this.#since) / paceMs
    if (age >= 2) return 0
    return Math.ceil(age < 1 ? this.#count + this.#before * (1 - age) : this.#count * (2 - age))
  }
}
