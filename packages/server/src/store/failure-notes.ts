import { failuresMax, type StoredFailureNote } from './store.ts'

// The column `failures`: a JSON array of notes, the oldest first; NULL if there is none.

/** `attempts`: as many as have ended so far. There are not more notes than that. */
export function withNote(column: string | null, attempts: number, note: StoredFailureNote): string {
  const { startedAt, at, reason, worker, error } = note
  const text = JSON.stringify({ startedAt, at, reason, worker, error })
  if (column === null) return `[${text}]`
  // Text is joined to text: most jobs never have so many that one must go.
  if (attempts < failuresMax) return `${column.slice(0, -1)},${text}]`
  return JSON.stringify([...readNotes(column), note].slice(-failuresMax))
}

/** What is no JSON was damaged: `geartrain store check` tells it, and the job is good without. */
export function readNotes(column: string | null): readonly StoredFailureNote[] {
  if (column === null) return []
  try {
    // Only `withNote` writes it.
    return JSON.parse(column) as readonly StoredFailureNote[]
  } catch {
    return []
  }
}
