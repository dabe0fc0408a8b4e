import { withNote } from '../failure-notes.ts'
import { failuresMax, type StoredFailureNote } from '../store.ts'

// The column `failures` is the same as in the other store.

/** One of the array's elements. */
export function noteText(note: StoredFailureNote): string {
  return withNote(null, 0, note).slice(1, -1)
}

/** In SQL: the column with a note behind the others; `attempts`: as many as had ended before. There are not more notes than that. */
export function withNoteText(column: string, attempts: string, note: string): string {
  return `
    CASE
      WHEN ${column} IS NULL THEN '[' || ${note} || ']'
      WHEN ${attempts} < ${failuresMax} THEN left(${column}, -1) || ',' || ${note} || ']'
      ELSE (
        SELECT '[' || string_agg(latest.value::text || ',', '' ORDER BY latest.place) || ${note} || ']'
        FROM json_array_elements(${column}::json) WITH ORDINALITY AS latest (value, place)
        WHERE latest.place > json_array_length(${column}::json) - ${failuresMax - 1})
    END`
}
