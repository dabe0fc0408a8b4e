import assert from 'node:assert/strict'
import { suite } from 'node:test'
import { Batches, openDatabase, uniqueKey } from './parts.ts'
import { inPlace } from './place.ts'

type PlanStep = { readonly detail: string }
type Instruction = { readonly opcode: string }

/** All that is prepared, and run at once, while a database is opened. */
function withStatements(title: string, body: (statements: readonly string[], explain: Explain) => void): void {
  inPlace(title, ({ path }) => {
    const database = openDatabase(path, undefined)
    try {
      const statements: string[] = []
      const prepare = database.prepare.bind(database)
      database.prepare = (source: string) => {
        statements.push(source)
        return prepare(source)
      }
      new Batches(database, uniqueKey).state(1)
      const explain: Explain = {
        plan: (statement) =>
          prepare<unknown[], PlanStep>(`EXPLAIN QUERY PLAN ${statement}`)
            .all(...parameters(statement))
            .map(({ detail }) => detail),
        opcodes: (statement) =>
          prepare<unknown[], Instruction>(`EXPLAIN ${statement}`)
            .all(...parameters(statement))
            .map(({ opcode }) => opcode),
      }
      body(statements, explain)
    } finally {
      database.close()
    }
    return Promise.resolve()
  })
}

interface Explain {
  plan(statement: string): string[]
  opcodes(statement: string): string[]
}

function parameters(statement: string): unknown[] {
  const named = statement.includes(':now') ? [{ now: 1 }] : []
  return [...Array(statement.split('?').length - 1).fill(1), ...named]
}

suite('SQL', () => {
  withStatements('no statement walks over the jobs, however many there are', (statements, { plan }) => {
    const ofJobs = statements.filter((statement) => /\bjobs\b/.test(statement))
    assert.ok(ofJobs.length > 10)
    for (const statement of ofJobs) {
      const walks = plan(statement).filter((step) => step.startsWith('SCAN jobs'))
      // An index with nothing in it.
      const allowed = walks.filter((step) => step.endsWith('INDEX jobs_clashing'))
      assert.deepEqual(walks, allowed, statement)
    }
  })

  withStatements('nothing is sorted that grows with the jobs', (statements, { plan }) => {
    const sorting = statements.filter((statement) => plan(statement).some((step) => step.includes('TEMP B-TREE')))
    const allowed = [
      // Jobs of several functions with the same unique.
      'unique_key = ? AND unique_name = ? ORDER BY number',
      // The jobs of a function that has few.
      'INDEXED BY jobs_ready WHERE function_id = ?',
      'INDEXED BY jobs_delayed WHERE function_id = ?',
      // Documents are few.
      'FROM documents',
    ]
    assert.deepEqual(
      sorting.filter((statement) => !allowed.some((part) => statement.includes(part))),
      [],
    )
  })

  withStatements('nor does one walk over what is dead or kept', (statements, { plan }) => {
    const others = statements.filter((statement) => /\b(dead|results)\b/.test(statement))
    assert.ok(others.length > 10)
    const walks = others.flatMap(plan).filter((step) => /^SCAN (dead|results)\b/.test(step))
    // An index from its end on, of which one row is read.
    assert.deepEqual(
      walks.filter((step) => !/ INDEX (dead_keeping|results_sweeping)$/.test(step)),
      [],
    )
  })

  withStatements('a line is looked at from its cursor on, not past what was claimed', (statements, { opcodes }) => {
    const ofLines = statements.filter((statement) => statement.endsWith('ORDER BY position'))
    assert.equal(ofLines.length, 2)
    for (const statement of ofLines) {
      const all = opcodes(statement)
      const row = all.slice(all.indexOf('SeekGT'), all.indexOf('ResultRow'))
      assert.ok(row.length > 0)
      // A bound that is not the index's own would be compared for each row.
      assert.deepEqual(
        row.filter((opcode) => ['Le', 'Lt', 'Ge', 'Gt'].includes(opcode)),
        [],
      )
    }
  })
})
