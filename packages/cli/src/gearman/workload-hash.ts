const blockBytes = 4
const seedFactor = 0xdeadbeef

/**
 * What the unique `#` stands for: the workload's MurmurHash3 of 32 bits, in decimal, with the seed of libgearman, so that
 * submissions of its clients and of this one are the same job.
 */
export function workloadHash(workload: Uint8Array): string {
  const { length } = workload
  const view = new DataView(workload.buffer, workload.byteOffset, length)
  const tailAt = length - (length % blockBytes)
  let hash = Math.imul(seedFactor, length)
  for (let at = 0; at < tailAt; at += blockBytes) {
    hash = rotateLeft(hash ^ mixBlock(view.getUint32(at, true)), 13)
    hash = Math.imul(hash, 5) + 0xe6546b64
  }
  let tail = 0
  for (let at = length - 1; at >= tailAt; at--) tail = (tail << 8) | view.getUint8(at)
  if (tailAt < length) hash ^= mixBlock(tail)
  return String(finish(hash ^ length))
}

function mixBlock(block: number): number {
  return Math.imul(rotateLeft(Math.imul(block, 0xcc9e2d51), 15), 0x1b873593)
}

function finish(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}
