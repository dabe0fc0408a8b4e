/** What ended in this time has ended lately, with a store that answers quickly. */
const spanMsMin = 50
const spanMsMax = 500
/** With another one, in the time of so many answers. */
const claimsLong = 3

/** How many attempts have ended lately: about as many will soon be begun, and should be on their way from the store. */
export class Pace {
  #spanMs = spanMsMin
  #claimMs = 0
  #since = 0
  #count = 0
  /** In the time before that, which was as long. */
  #before = 0

  /** The store has answered a claim after so long. */
  claimTook(ms: number): void {
    // Slower at once, quicker by and by.
    this.#claimMs = ms > this.#claimMs ? ms : 0.8 * this.#claimMs + 0.2 * ms
    this.#spanMs = Math.min(spanMsMax, Math.max(spanMsMin, claimsLong * this.#claimMs))
  }

  add(now: number): void {
    const ageMs = now - this.#since
    if (ageMs >= this.#spanMs) {
      this.#before = ageMs < 2 * this.#spanMs ? this.#count : 0
      this.#count = 0
      this.#since = now
    }
    this.#count++
  }

  /** Those of the last 50 ms, or more; it fades when no more end. */
  lately(now: number): number {
    const age = (now - this.#since) / this.#spanMs
    if (age >= 2) return 0
    return Math.ceil(age < 1 ? this.#count + this.#before * (1 - age) : this.#count * (2 - age))
  }
}
