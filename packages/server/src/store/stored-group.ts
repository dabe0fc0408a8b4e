import type { StoredGroup } from './store.ts'

/** A group of dead jobs, and another part of the same one. */
export function mergedGroup(one: StoredGroup | undefined, other: StoredGroup): StoredGroup {
  if (one === undefined) return other
  return {
    ...one,
    count: one.count + other.count,
    firstAt: Math.min(one.firstAt, other.firstAt),
    lastAt: Math.max(one.lastAt, other.lastAt),
    number: Math.max(one.number, other.number),
  }
}
