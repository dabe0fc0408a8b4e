import { hash } from 'node:crypto'

const keyBytes = 16

/**
 * The column `unique_key`: 16 bytes of a digest, by which alone jobs join one another. It has half of the digest of the
 * unique, and for `-` the other half of the digest of the workload: a name that somebody chose is never taken for one.
 * Null if jobs can't be joined by it. In SQL: `substring(sha256(unique_name) FROM 1 FOR 16)`, and for `-`
 * `substring(sha256(workload) FROM 17 FOR 16)`.
 */
export function uniqueKey(unique: string, workload: Uint8Array): Buffer | null {
  if (unique === '') return null
  if (unique !== '-') return hash('sha256', Buffer.from(unique, 'latin1'), 'buffer').subarray(0, keyBytes)
  return workload.length === 0 ? null : hash('sha256', workload, 'buffer').subarray(keyBytes)
}

/** Of jobs that can be found by their unique alone: not none, and not `-`, which stands for the workload. */
export function isNamed(unique: string): boolean {
  return unique !== '' && unique !== '-'
}

/** Null if it is no name. */
export function keyOfName(unique: string): Buffer | null {
  return isNamed(unique) ? uniqueKey(unique, noBytes) : null
}

const noBytes = new Uint8Array(0)
