/*
 * Ten million uniques are looked up by a number and not by their text: an entry of the index is then 8 bytes instead
 * of 40, and the index half as large. Two uniques can have the same number; the column `clash` tells them apart.
 */

/** SQLite keeps an integer of up to 47 bits and a sign in six bytes, a larger one in eight. */
const keyBits = 47
const lowBits = 32
const highMask = 2 ** (keyBits - lowBits) - 1
/** Of a workload, so many bytes at either end are looked at, beside its length. */
const endBytes = 32 * 1024

/**
 * The key of a unique, a whole number from 0 on; null if jobs can't be joined by it. The unique alone decides, and for
 * `-` the workload, so that a unique is found in all functions by one range of the index.
 */
export function uniqueKey(unique: string, workload: Uint8Array): number | null {
  if (unique === '') return null
  if (unique !== '-') return hashName(unique)
  return workload.length === 0 ? null : hashWorkload(workload)
}

// The hash is cyrb53 (public domain, github.com/bryc/code): two 32-bit lanes, each a multiplication and an exclusive or
// a byte, that are mixed with one another at the end.

const lowSeed = 0xdeadbeef
const highSeed = 0x41c6ce57
const lowFactor = 2_654_435_761
const highFactor = 1_597_334_677

function hashName(name: string): number {
  let low = lowSeed
  let high = highSeed
  for (let i = 0; i < name.length; i++) {
    const byte = name.charCodeAt(i)
    low = Math.imul(low ^ byte, lowFactor)
    high = Math.imul(high ^ byte, highFactor)
  }
  return mix(low, high)
}

function hashWorkload(workload: Uint8Array): number {
  const { length } = workload
  let low = lowSeed ^ length
  let high = highSeed ^ length
  let at = 0
  while (at < length) {
    const byte = workload[at] ?? 0
    low = Math.imul(low ^ byte, lowFactor)
    high = Math.imul(high ^ byte, highFactor)
    at++
    if (at === endBytes) at = Math.max(at, length - endBytes)
  }
  return mix(low, high)
}

function mix(lowLane: number, highLane: number): number {
  let low = Math.imul(lowLane ^ (lowLane >>> 16), 2_246_822_507)
  low ^= Math.imul(highLane ^ (highLane >>> 13), 3_266_489_909)
  let high = Math.imul(highLane ^ (highLane >>> 16), 2_246_822_507)
  high ^= Math.imul(low ^ (low >>> 13), 3_266_489_909)
  return (high & highMask) * 2 ** lowBits + (low >>> 0)
}
