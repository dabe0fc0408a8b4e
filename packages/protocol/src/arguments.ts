import type { PacketKind } from './packets.ts'

/** More than any packet has. */
const argsMax = 8

/**
 * Where a packet's arguments and data lie in its body. One instance is used over and over: `split` says whether the
 * body has all that its row of the table asks for, and sets `starts`, `ends` and `dataStart`.
 */
export class Arguments {
  readonly starts: Int32Array = new Int32Array(argsMax)
  readonly ends: Int32Array = new Int32Array(argsMax)
  /** Where the data begins; equal to the body's end for packets without data. */
  dataStart = 0

  /**
   * Looks no further than the body: a packet whose arguments have no end of their own is refused here and can't
   * borrow one from the packet behind it.
   */
  split(kind: PacketKind, bytes: Uint8Array, start: number, end: number): boolean {
    const count = kind.args.length
    const terminated = kind.data ? count : count - 1
    let at = start
    for (let i = 0; i < terminated; i++) {
      this.starts[i] = at
      while (at < end && bytes[at] !== 0) at++
      if (at === end) return false
      this.ends[i] = at++
    }
    if (!kind.data && count > 0) {
      this.starts[terminated] = at
      // Some clients end the last argument with a NUL as well.
      this.ends[terminated] = end > at && bytes[end - 1] === 0 ? end - 1 : end
    }
    this.dataStart = kind.data ? at : end
    return true
  }
}
