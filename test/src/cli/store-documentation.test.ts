import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { openSqlite } from '../store/parts.ts'
import { repositoryRoot } from '../support/peers.ts'
import { scratch } from './command.ts'
import { fillStore, firstNumber, job, meddle, storeCommand } from './store-file.ts'

// docs/store.md says what is: the columns of the tables, queries that work, and the lines of an export.

const text = readFileSync(join(repositoryRoot, 'docs/store.md'), 'utf8')

/** From a heading to the next of its kind. */
function section(heading: string): string {
  const [, found] = new RegExp(`\n${heading}\n([^]*?)(?=\n#{1,${heading.indexOf(' ')}} |$)`).exec(text) ?? []
  assert.ok(found !== undefined, `docs/store.md has "${heading}"`)
  return found
}

describe('the tables', () => {
  test('are all there are, each with its columns', async () => {
    using directory = scratch()
    await fillStore(directory.path('jobs.db'), [])
    const database = openSqlite(directory.path('jobs.db'), { readonly: true })
    const tables = database.prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all()
    const headings = [...section('## The tables').matchAll(/^### (\w+)$/gm)].map(([, name]) => name)
    assert.deepEqual(headings, tables)
    for (const table of tables) {
      const written = [...section(`### ${table}`).matchAll(/^\| `(\w+)` +\|/gm)].map(([, name]) => name)
      const columns = database.prepare<[string], string>('SELECT name FROM pragma_table_info(?)').pluck().all(table)
      assert.deepEqual(written, columns, table)
    }
    assert.match(
      text,
      new RegExp(`\`PRAGMA application_id\` is ${String(database.pragma('application_id', { simple: true }))} `),
    )
    database.close()
  })
})

// Each query by the sentence above it, and what it finds in the store below.
const answers: readonly [
  title: string,
  rows: readonly (readonly unknown[])[],
  more?: readonly (readonly unknown[])[],
][] = [
  [
    'What is queued',
    [
      ['resize', 3, 1],
      ['remind', 0, 2],
    ],
  ],
  [
    'By priority, of those that are ready or run',
    [
      ['remind', 0, 0, 0],
      ['resize', 1, 2, 0],
    ],
  ],
  ['The oldest job', [[firstNumber, 'remind']]],
  [
    'The jobs of one function, in the order in which they will be given out',
    [
      [firstNumber + 4, 0, '', 3],
      [firstNumber + 2, 1, 'photo-17', 9],
      [firstNumber + 3, 1, '', 2],
    ],
  ],
  [
    'The delayed jobs that are due next',
    [
      ['2096-10-02 07:06:40', firstNumber + 1, 'remind'],
      ['2096-10-02 07:06:42', firstNumber, 'remind'],
      ['2096-10-02 07:06:43', firstNumber + 5, 'resize'],
    ],
  ],
  ['The job with the handle `H:host:1795286112000004`', [[firstNumber + 3, 'resize', 1, 0, '', 'sum', 2]]],
  ['Its workload, as text, and of one that is not text the first bytes', [['ä']], [['C3A4']]],
  [
    'The jobs that died last, each with what its worker said',
    [['2026-11-22 16:01:40', 7, 'resize', 'failed', 'no room']],
  ],
  ['What was set for functions and patterns at runtime', [['mail.*', '{"attempts":"5"}']]],
  [
    'The functions that take most room (this one reads all jobs)',
    [
      ['resize', 4, 18],
      ['remind', 2, 8],
    ],
  ],
]

describe('the queries', () => {
  const queries = [...section('## Queries').matchAll(/^([A-Z].*):\n\n```sql\n([^]*?)```/gm)]

  test('are all tested', () => {
    assert.deepEqual(
      queries.map(([, title]) => title),
      answers.map(([title]) => title),
    )
  })

  for (const [title, ...rows] of answers) {
    test(title, async () => {
      using directory = scratch()
      const at = 4_000_000_000_000
      await fillStore(directory.path('jobs.db'), [
        job({ number: firstNumber, function: 'remind', runAt: at + 2000 }),
        job({ number: firstNumber + 1, function: 'remind', runAt: at }),
        job({ number: firstNumber + 2, function: 'resize', unique: 'photo-17', workload: Buffer.from('{"id":17}') }),
        job({ number: firstNumber + 3, function: 'resize', reducer: 'sum', workload: Buffer.from('ä') }),
        job({ number: firstNumber + 4, function: 'resize', priority: 0, workload: Buffer.from('cat') }),
        job({ number: firstNumber + 5, function: 'resize', runAt: at + 3000 }),
      ])
      meddle(
        directory.path('jobs.db'),
        `INSERT INTO dead (number, function_id, priority, unique_name, reducer, then_function, submitted_at, died_at,
          reason, attempts, keep_until, failures, workload)
        SELECT 7, id, 1, '', '', '', 0, ${Date.UTC(2026, 10, 22, 16, 1, 40)},
          'failed', 2, 0, '[{"error":"first"},{"error":"no room"}]', x'' FROM functions WHERE name = 'resize';
        INSERT INTO documents (kind, name, body) VALUES ('policy', 'mail.*', '{"attempts":"5"}'), ('schedule', 's', '{}')`,
      )
      const database = openSqlite(directory.path('jobs.db'), { readonly: true })
      const sql = queries.find(([, each]) => each === title)?.[2] ?? ''
      const found = sql
        .split(';')
        .filter((statement) => statement.trim() !== '')
        .map((statement) => database.prepare(statement).raw().all())
      database.close()
      assert.deepEqual(found, rows)
    })
  }
})

test('the lines of the export are taken, and written so', () => {
  using directory = scratch()
  const [, lines = ''] = /```json\n([^]*?)```/.exec(section('## Lines of JSON')) ?? []
  assert.equal(storeCommand(directory.path(''), ['import', '--store', 'jobs.db'], lines).stdout, '3 jobs imported\n')
  const { stdout } = storeCommand(directory.path(''), ['export', '--store', 'jobs.db'])
  const withoutTime = (each: string) => each.replace(/"exported_at":"[^"]*"/, '')
  assert.equal(withoutTime(stdout), withoutTime(lines))
})

test('the commands and their flags are there', () => {
  using directory = scratch()
  const help = ['check', 'stats', 'export', 'import', 'backup']
    .map((name) => storeCommand(directory.path(''), [name, '--help']).stdout)
    .join('')
  const flags = new Set(
    section('## Commands')
      .concat(section('## Lines of JSON'))
      .match(/--[a-z][a-z-]+/g),
  )
  for (const flag of flags) assert.ok(help.includes(`${flag} `), flag)
})
