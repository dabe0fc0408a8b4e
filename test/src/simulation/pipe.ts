import type { Random } from './random.ts'
import type { Timeline } from './timeline.ts'

/** How bytes travel. */
export interface Weather {
  /** On the way, on average. */
  readonly latencyMs: number
  /** What is sent at once arrives in several parts. */
  readonly splitChance: number
  readonly bytesPerMs: number
}

/** What is larger does not arrive at once. */
const partBytesMax = 64 * 1024

interface Part {
  readonly bytes: Buffer
  readonly at: number
}

/**
 * One direction of a connection: bytes arrive in their order, late, cut and joined as it happens. The receiver can
 * stop it (`hold`), and then the sender finds that what it sent is still on the way.
 */
export class Pipe {
  /** Bytes sent that the receiver has not taken. */
  length = 0
  weather: Weather
  readonly #timeline: Timeline
  readonly #random: Random
  readonly #parts: Part[] = []
  #lastAt = 0
  #isPlanned = false
  #isHeld = false
  #isCut = false
  #end: (() => void) | undefined
  #bytesLeft = Infinity
  #onSpent: () => void = () => {}

  /** The receiver takes bytes. */
  deliver: (bytes: Buffer) => void = () => {}
  /** The receiver has taken some. */
  onTaken: () => void = () => {}

  constructor(timeline: Timeline, random: Random, weather: Weather) {
    this.#timeline = timeline
    this.#random = random
    this.weather = weather
  }

  /** The bytes must not change any more. */
  send(bytes: Buffer): void {
    if (this.#isCut || this.#end !== undefined || bytes.length === 0) return
    this.length += bytes.length
    for (let rest = bytes; rest.length > 0; ) {
      const count = this.#partLength(rest.length)
      this.#add(rest.subarray(0, count))
      rest = rest.subarray(count)
    }
    this.#planNext()
  }

  /** `arrived` is called when all that was sent has been taken. */
  end(arrived: () => void): void {
    if (this.#isCut || this.#end !== undefined) return
    this.#end = arrived
    this.#add(Buffer.alloc(0))
    this.#planNext()
  }

  /** Nothing that is on the way arrives any more. */
  cut(): void {
    this.#isCut = true
    this.#parts.length = 0
    this.length = 0
  }

  /** Cuts itself after so many bytes, wherever in a packet that is. */
  cutAfter(bytes: number, onCut: () => void): void {
    this.#bytesLeft = bytes
    this.#onSpent = onCut
  }

  hold(): void {
    this.#isHeld = true
  }

  release(): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    this.#planNext()
  }

  #partLength(length: number): number {
    const random = this.#random
    if (length === 1 || !random.chance(this.weather.splitChance)) return Math.min(length, partBytesMax)
    // Single bytes show the most, and a large packet in single bytes shows no more than a small one.
    if (length < 200 && random.chance(0.2)) return 1
    return random.between(1, Math.min(length - 1, partBytesMax))
  }

  #add(bytes: Buffer): void {
    const { latencyMs, bytesPerMs } = this.weather
    const arrival = this.#timeline.now + this.#random.exponential(latencyMs)
    this.#lastAt = Math.max(this.#lastAt + bytes.length / bytesPerMs, arrival)
    this.#parts.push({ bytes, at: this.#lastAt })
  }

  #planNext(): void {
    const first = this.#parts[0]
    if (first === undefined || this.#isPlanned || this.#isHeld || this.#isCut) return
    this.#isPlanned = true
    this.#timeline.plan(first.at - this.#timeline.now, () => {
      this.#isPlanned = false
      if (!this.#isHeld && !this.#isCut) this.#arrive()
      this.#planNext()
    })
  }

  #arrive(): void {
    const taken = this.#parts.shift()
    if (taken === undefined) return
    const buffers = [taken.bytes]
    while (this.#parts[0] !== undefined && this.#parts[0].at <= this.#timeline.now && this.#random.chance(0.7)) {
      buffers.push(this.#parts.shift()?.bytes ?? taken.bytes)
    }
    // A buffer of its own each time, as a socket has it.
    let bytes = Buffer.concat(buffers)
    if (bytes.length >= this.#bytesLeft) bytes = bytes.subarray(0, this.#bytesLeft)
    this.#bytesLeft -= bytes.length
    this.length -= bytes.length
    if (bytes.length > 0) {
      this.deliver(bytes)
      this.onTaken()
    }
    if (this.#bytesLeft === 0) {
      this.cut()
      this.#onSpent()
    } else if (this.#end !== undefined && this.#parts.length === 0 && !this.#isCut) this.#end()
  }
}
