import type { Statement } from './link.ts'
import { summaryColumns } from './summaries.ts'

export type Table = 'jobs' | 'dead' | 'results'

/**
 * How the rows of a page are found: by number; dead ones by function and number; those that have the unique; those of
 * the lines of some functions, and those that are delayed.
 */
export type Way = 'numbers' | 'function' | 'unique' | 'lines'

/** What the statement for a page is made of. */
export interface Shape {
  readonly table: Table
  readonly way: Way
  readonly isDescending: boolean
  /** How many there are of each function, instead of rows. */
  readonly isCounted: boolean
  /** So many rows are looked at. */
  readonly rowsMax: number
}

/** What does not go by number is read as a whole, and sorted, if it has no more entries. */
export const entriesMax = 5000

const statements = new Map<string, Statement>()

/**
 * A page of a table, as values 1 to 9 want it: from, state, functions, priority, unique, reason, submitted from and
 * until, and whether there must be a failure. Then those of the way, and of rows how many there may be.
 *
 * It is built so that PostgreSQL has no choice, whatever it believes to know of the table: the page is found first, by an index
 * and with a limit, and then what is wanted is picked from it.
 */
export function scanStatement(shape: Shape): Statement {
  const { table, way, isDescending, isCounted, rowsMax } = shape
  const name = `scan ${table} ${way}${isDescending ? ' down' : ''}${isCounted ? ' count' : ''} ${rowsMax}`
  const known = statements.get(name)
  if (known !== undefined) return known
  const [from, values] = ways[way](shape)
  const order = isDescending ? 'DESC' : 'ASC'
  const found = isCounted
    ? `SELECT name, count(*) AS count FROM page JOIN geartrain.functions ON id = function_id WHERE ${wanted[table]} GROUP BY name`
    : `SELECT * FROM page WHERE ${wanted[table]} ORDER BY number ${order} LIMIT $${10 + values}::bigint`
  const text = `
    WITH ${from},
    looked AS (
      SELECT count(*) AS rows, ${isDescending ? 'min' : 'max'}(number) AS last FROM page
    ),
    found AS (${found})
    SELECT looked.rows, looked.last, ${isCut(way)} AS is_cut,
      ${isCounted ? 'name, count' : `${summaryColumns}, submitted_at, ended_at, word, ${lastError}`}
    FROM looked LEFT JOIN found ON true
    ${isCounted ? '' : `LEFT JOIN geartrain.functions ON id = function_id ORDER BY number ${order}`}`
  const statement = { name, text }
  statements.set(name, statement)
  return statement
}

/**
 * What follows the last `"error":` in the notes, to their end: a quotation mark within what somebody said is behind a
 * backslash. PostgreSQL's own functions for JSON refuse characters that may be there. It is looked for in so many
 * characters at the end: 4 KiB, of which each may be written with six. To look at all notes takes a millisecond a row.
 */
const lastError = `(SELECT right(tail, strpos(reverse(tail), ':"rorre"') - 1) FROM right(failures, 25000) AS tail)`

const commonColumns = 'number, function_id, priority, unique_name, submitted_at, attempts, failures'
const columns: Readonly<Record<Table, string>> = {
  jobs: `${commonColumns}, position, run_at, owner, 0::bigint AS ended_at, '' AS word`,
  dead: `${commonColumns}, 0::bigint AS run_at, 0 AS owner, died_at AS ended_at, reason AS word`,
  results: `${commonColumns}, outcome, keep_until, 0::bigint AS run_at, 0 AS owner, ended_at, '' AS word`,
}

/** What must be so of a row, but for what its last error says. */
const common = `($3::int[] IS NULL OR function_id = ANY ($3)) AND ($4::smallint IS NULL OR priority = $4)
  AND ($5::bytea IS NULL OR unique_name = $5)
  AND ($7::bigint IS NULL OR (submitted_at > 0 AND submitted_at >= $7))
  AND ($8::bigint IS NULL OR (submitted_at > 0 AND submitted_at <= $8))
  AND (NOT $9::boolean OR failures IS NOT NULL)`
const wanted: Readonly<Record<Table, string>> = {
  jobs: `($2::text <> 'ready' OR position > 0) AND ($2 <> 'delayed' OR run_at > 0) AND $6::text IS NULL AND ${common}`,
  dead: `$2::text = 'dead' AND ($6::text IS NULL OR word = $6) AND ${common}`,
  results: `outcome = $2::text AND keep_until > 0 AND $6::text IS NULL AND ${common}`,
}

/** The page, and how many values it takes. */
const ways: Readonly<Record<Way, (shape: Shape) => [sql: string, values: number]>> = {
  numbers: ({ table, isDescending, rowsMax }) => [
    `page AS MATERIALIZED (
      SELECT ${columns[table]} FROM geartrain.${table}
      WHERE number ${isDescending ? '<' : '>'} $1::bigint ORDER BY number ${isDescending ? 'DESC' : 'ASC'} LIMIT ${rowsMax})`,
    0,
  ],
  // Pairs are compared, so that no other index than that of the pair has this order.
  function: ({ isDescending, rowsMax }) => [
    `page AS MATERIALIZED (
      SELECT ${columns.dead} FROM geartrain.dead
      WHERE (function_id, number) ${isDescending ? '<' : '>'} ($10::int, $1::bigint)
        AND (function_id, number) ${isDescending ? '>= ($10, 0)' : `<= ($10, ${2n ** 63n - 1n})`}
      ORDER BY ${isDescending ? 'function_id DESC, number DESC' : 'function_id, number'} LIMIT ${rowsMax})`,
    1,
  ],
  unique: (shape) => [
    `entries AS MATERIALIZED (
      SELECT number FROM geartrain.${shape.table}
      WHERE unique_key = $10::uuid ORDER BY function_id LIMIT ${entriesMax + 1}),
    ${pageOfEntries(shape)}`,
    1,
  ],
  lines: (shape) => [
    `entries AS MATERIALIZED (
      (SELECT line.number
       FROM unnest($3::int[]) AS asked (id)
       CROSS JOIN (VALUES (0::smallint), (1::smallint), (2::smallint)) AS lines (priority)
       CROSS JOIN LATERAL (
         SELECT number FROM geartrain.jobs
         WHERE function_id = asked.id AND jobs.priority = lines.priority AND position > 0
         ORDER BY position LIMIT ${entriesMax + 1}
       ) AS line
       WHERE $10::boolean LIMIT ${entriesMax + 1})
      UNION ALL
      (SELECT number FROM geartrain.jobs WHERE run_at > 0 AND $11::boolean ORDER BY run_at, number LIMIT ${entriesMax + 1})),
    ${pageOfEntries(shape)}`,
    2,
  ],
}

function pageOfEntries({ table, isDescending, rowsMax }: Shape): string {
  return `page AS MATERIALIZED (
      SELECT each.*
      FROM (
        SELECT number FROM entries WHERE number ${isDescending ? '<' : '>'} $1::bigint
        ORDER BY number ${isDescending ? 'DESC' : 'ASC'} LIMIT ${rowsMax}
      ) AS chosen
      CROSS JOIN LATERAL (
        SELECT ${columns[table]} FROM geartrain.${table} WHERE ${table}.number = chosen.number LIMIT 1
      ) AS each)`
}

/** There were too many entries: some may be missing. */
function isCut(way: Way): string {
  return way === 'unique' || way === 'lines' ? `(SELECT count(*) > ${entriesMax} FROM entries)` : 'false'
}
