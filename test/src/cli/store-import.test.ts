import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { SqliteStore, StoreImport, StoreSnapshot } from '@geartrain/server'
import { connect, PACKET } from '../support/raw.ts'
import { Command, scratch, startCommand, until } from './command.ts'
import { fillStore, firstNumber, job, jobsIn, jobsOfEveryKind, meddle, storeCommand } from './store-file.ts'

// `geartrain store import`, and that what was exported comes back as it was.

/** Of a store in which nothing is wrong. */
function checkedJobs(path: string) {
  const { code, stdout } = storeCommand(path.replace(/[^/]*$/, ''), ['check', '--full', path])
  assert.equal(code, 0, stdout)
  return jobsIn(path)
}

describe('what was exported', () => {
  test('comes back as it was, through a file', async () => {
    using directory = scratch()
    await fillStore(directory.path('old.db'), jobsOfEveryKind())
    const run = (...args: string[]) => storeCommand(directory.path(''), args)
    assert.equal(run('export', 'out', '--store', 'old.db').code, 0)
    assert.deepEqual(run('import', 'out', '--store', 'new.db'), { code: 0, stdout: '19 jobs imported\n', stderr: '' })
    const jobs = checkedJobs(directory.path('new.db'))
    assert.deepEqual(
      jobs,
      jobsOfEveryKind().map((each) => ({ ...each, workload: Buffer.from(each.workload) })),
    )
    // And the lines once more, but for the time in the header.
    run('export', 'again', '--store', 'new.db')
    const [lines, again] = ['out', 'again'].map((name) =>
      readFileSync(directory.path(name), 'utf8').replace(/"exported_at":"[^"]*"/, ''),
    )
    assert.equal(again, lines)
  })

  test('through a pipe', async () => {
    using directory = scratch()
    await fillStore(directory.path('old.db'), jobsOfEveryKind())
    const { stdout } = storeCommand(directory.path(''), ['export', '--store', 'old.db'])
    const { stdout: outcome } = storeCommand(directory.path(''), ['import', '--json', '--store', 'new.db'], stdout)
    assert.deepEqual(JSON.parse(outcome), { added: 19, present: 0, joined: 0, dry_run: false })
    assert.deepEqual(checkedJobs(directory.path('new.db')), jobsIn(directory.path('old.db')))
  })

  test('no handle is given out again', async () => {
    using directory = scratch()
    const number = Date.now() * 1000 + 10 ** 12
    await fillStore(directory.path('old.db'), [job({ number })])
    const { stdout } = storeCommand(directory.path(''), ['export', '--store', 'old.db'])
    storeCommand(directory.path(''), ['import', '--store', 'new.db'], stdout)
    await fillStore(directory.path('new.db'), [job()])
    const numbers = checkedJobs(directory.path('new.db')).map((each) => each.number)
    assert.equal(numbers[0], number)
    assert.ok((numbers[1] ?? 0) > number)
  })
})

describe('jobs that are there', () => {
  test('are left alone under their numbers', async () => {
    using directory = scratch()
    const path = directory.path('jobs.db')
    await fillStore(path, [
      job({ number: firstNumber, function: 'other', workload: Buffer.from('as it was') }),
      job({ number: firstNumber + 5 }),
    ])
    const lines = [0, 1, 5, 5, 9, 9].map((offset) => JSON.stringify({ number: firstNumber + offset, function: 'f' }))
    const run = (...args: string[]) =>
      storeCommand(directory.path(''), ['import', '--store', 'jobs.db', ...args], lines.join('\n')).stdout
    assert.equal(run('--dry-run'), 'would import 3 jobs, 3 there already\n')
    assert.equal(jobsIn(path).length, 2, 'nothing was written')
    assert.equal(run(), '2 jobs imported, 4 there already\n')
    assert.equal(run(), '0 jobs imported, 6 there already\n')
    assert.deepEqual(
      checkedJobs(path).map(({ number, function: name, workload }) => [number, name, workload.toString()]),
      [
        [firstNumber, 'other', 'as it was'],
        [firstNumber + 1, 'f', ''],
        [firstNumber + 5, 'f', 'work'],
        [firstNumber + 9, 'f', ''],
      ],
    )
  })

  test('are joined by the same unique, by the same workload for -', async () => {
    using directory = scratch()
    const path = directory.path('jobs.db')
    await fillStore(path, [job({ unique: 'u', workload: Buffer.from('first') })])
    const lines = [
      { function: 'f', unique: 'u', workload: 'second' },
      { function: 'g', unique: 'u' },
      { function: 'g', unique: 'u' },
      { function: 'f', unique: '-', workload: 'x' },
      { function: 'f', unique: '-', workload: 'x' },
      { function: 'f', unique: '-' },
      { function: 'f', unique: '-' },
      { function: 'f' },
      { function: 'f' },
    ].map((line) => JSON.stringify(line))
    assert.equal(
      storeCommand(directory.path(''), ['import', '--store', 'jobs.db'], lines.join('\n')).stdout,
      '6 jobs imported, 3 joined to a job with the same unique\n',
    )
    const [first, ...rest] = checkedJobs(path)
    assert.equal(first?.workload.toString(), 'first')
    assert.equal(rest.length, 6)
  })

  test('stand before those that are imported', async () => {
    using directory = scratch()
    const path = directory.path('jobs.db')
    await fillStore(path, [job({ number: firstNumber + 7 })])
    const lines = [3, 1].map((offset) => JSON.stringify({ number: firstNumber + offset, function: 'f' }))
    storeCommand(directory.path(''), ['import', '--store', 'jobs.db'], lines.join('\n'))
    using snapshot = new StoreSnapshot(path)
    assert.deepEqual(
      snapshot.database.prepare('SELECT number FROM jobs ORDER BY position').pluck().all(),
      [7, 3, 1].map((offset) => firstNumber + offset),
    )
  })
})

describe('a line that is wrong', () => {
  const rows: readonly [what: string, lines: readonly string[], sentence: string, outcome: string][] = [
    ['the first', ['{'], 'stdin, line 1: it is no JSON; 0 jobs imported; go on with --from-line 1', ''],
    [
      'a later one, after lines that are empty',
      ['{"function":"a"}', '', ' \r', '{"function":"b"}', '{"funktion":"c"}', '{"function":"d"}'],
      'stdin, line 5: "funktion" is no part of a job; 2 jobs imported; go on with --from-line 5',
      'a b',
    ],
    [
      'a header of another version',
      ['{"format":"geartrain-jobs","version":3,"jobs":1}', '{"function":"a"}'],
      'stdin, line 1: version 3 of the format is not known, only 1: use the geartrain that wrote it, or a newer one; 0 jobs imported; go on with --from-line 1',
      '',
    ],
    [
      'the end, before all that was promised',
      ['{"format":"geartrain-jobs","version":1,"jobs":3}', '{"function":"a"}', '{"function":"b"}'],
      'stdin, line 3: the export is cut off here: its header promises 3 jobs, and it has 2; 2 jobs imported',
      'a b',
    ],
    [
      'another header, before all that was promised',
      [
        '{"format":"geartrain-jobs","version":1,"jobs":2}',
        '{"function":"a"}',
        '{"format":"geartrain-jobs","version":1,"jobs":1}',
        '{"function":"b"}',
      ],
      'stdin, line 3: the export is cut off here: its header promises 2 jobs, and it has 1; 1 job imported',
      'a',
    ],
    [
      'a number that may be another job of this import',
      ['{"function":"a"}', `{"function":"b","number":${8 * 10 ** 15}}`],
      'the number 8000000000000000 may have been given to a job that came without one; import jobs with and without numbers by themselves; 0 jobs imported; go on with --from-line 1',
      '',
    ],
  ]
  for (const [what, lines, sentence, functions] of rows) {
    test(what, () => {
      using directory = scratch()
      assert.deepEqual(storeCommand(directory.path(''), ['import', '--store', 'jobs.db'], lines.join('\n')), {
        code: 1,
        stdout: '',
        stderr: `geartrain store: ${sentence}\n`,
      })
      const names = checkedJobs(directory.path('jobs.db')).map((each) => each.function)
      assert.equal(names.join(' '), functions)
    })
  }

  test('two exports one after the other are none', () => {
    using directory = scratch()
    const header = '{"format":"geartrain-jobs","version":1,"jobs":1}'
    const lines = [header, '{"function":"a"}', header, '{"function":"b"}', '{"function":"c"}']
    const { stdout } = storeCommand(directory.path(''), ['import', '--store', 'jobs.db'], lines.join('\r\n'))
    assert.equal(stdout, '3 jobs imported\n')
  })

  test('--from-line goes on after it was mended', () => {
    using directory = scratch()
    const lines = ['{"format":"geartrain-jobs","version":1,"jobs":3}', '{"function":"a"}', 'oops', '{"function":"c"}']
    const file = directory.path('lines')
    writeFileSync(file, lines.join('\n'))
    const run = (...args: string[]) => storeCommand(directory.path(''), ['import', '--store', 'jobs.db', ...args])
    const { stderr } = run('lines')
    assert.equal(stderr, 'geartrain store: lines, line 3: it is no JSON; 1 job imported; go on with --from-line 3\n')
    lines[2] = '{"function":"b"}'
    writeFileSync(file, lines.join('\n'))
    assert.equal(run('lines', '--from-line', '3').stdout, '2 jobs imported\n')
    const names = checkedJobs(directory.path('jobs.db')).map((each) => each.function)
    assert.deepEqual(names, ['a', 'b', 'c'])
  })

  test('is found by --dry-run, which makes no store', () => {
    using directory = scratch()
    const run = (lines: string) =>
      storeCommand(directory.path(''), ['import', '--dry-run', '--store', 'jobs.db'], lines)
    assert.equal(run('{"function":"a"}\n{}').stderr, 'geartrain store: stdin, line 2: there is no function\n')
    assert.equal(run('{"function":"a"}').stdout, 'would import 1 job\n')
    assert.deepEqual(readdirSync(directory.path('')), [])
  })
})

describe('an import that is interrupted', () => {
  test('by kill -9 is done again, and all is there once', async () => {
    using directory = scratch()
    const path = directory.path('jobs.db')
    const jobs = 60_000
    const header = `{"format":"geartrain-jobs","version":1,"jobs":${jobs}}`
    const lines = Array.from({ length: jobs }, (_, i) =>
      JSON.stringify({ number: firstNumber + i, function: `f${i % 3}`, ...(i % 2 ? { unique: `u${i}` } : {}) }),
    )
    writeFileSync(directory.path('lines'), [header, ...lines].join('\n'))
    await using command = new Command(['store', 'import', directory.path('lines'), '--store', path])
    const isUnderWay = () => {
      if (command.hasEnded) throw new Error('the import was over before it was killed')
      if (!existsSync(path)) return undefined
      try {
        using snapshot = new StoreSnapshot(path)
        return snapshot.jobCount > 0 || undefined
      } catch {
        // Its tables are not there yet.
        return undefined
      }
    }
    await until('the first jobs are imported', isUnderWay)
    command.kill('SIGKILL')
    assert.equal((await command.ended()).signal, 'SIGKILL')
    const before = checkedJobs(path).length
    assert.ok(before > 0 && before < jobs, `${before} jobs`)

    const { stdout } = storeCommand(directory.path(''), ['import', 'lines', '--store', 'jobs.db'])
    assert.equal(stdout, `${jobs - before} jobs imported, ${before} there already\n`)
    assert.deepEqual(
      checkedJobs(path).map(({ number }) => number),
      lines.map((_, i) => firstNumber + i),
    )
  })

  test('by a full disk has told what is there', async () => {
    using directory = scratch()
    const path = directory.path('jobs.db')
    const jobs = Array.from({ length: 20_000 }, (_, i) => job({ number: firstNumber + i }))
    const bring = async (pagesMax?: number) => {
      const store = new SqliteStore(path, { pagesMax })
      const into = new StoreImport(store, await store.open(0), Date.now())
      try {
        for (const each of jobs) {
          into.add(each)
          if (into.isFull) await into.flush()
        }
        await into.end()
        return { into, error: undefined }
      } catch (error) {
        return { into, error }
      } finally {
        await store.close()
      }
    }
    const full = await bring(200)
    assert.ok(full.error instanceof Error && 'code' in full.error)
    assert.equal(full.error.code, 'SQLITE_FULL')
    assert.equal(full.error.message, `sqlite:${path} can't be written (SQLITE_FULL: database or disk is full)`)
    const kept = checkedJobs(path)
    assert.ok(kept.length > 0)
    assert.equal(full.into.added, kept.length)
    assert.equal(full.into.last?.number, kept.at(-1)?.number)

    const mended = await bring()
    assert.deepEqual(
      [mended.error, mended.into.present, mended.into.added],
      [undefined, kept.length, 20_000 - kept.length],
    )
    assert.equal(checkedJobs(path).length, 20_000)
  })
})

test('a store that was imported is served', async () => {
  using directory = scratch()
  const lines = ['high', 'normal', 'low'].map((priority) =>
    JSON.stringify({ function: 'f', priority, unique: priority }),
  )
  storeCommand(directory.path(''), ['import', '--store', 'jobs.db'], lines.join('\n'))
  await using server = await startCommand([
    'serve',
    '--port',
    '0',
    '--http',
    'off',
    '--store',
    `sqlite:${directory.path('jobs.db')}`,
  ])
  await using worker = await connect(server.port)
  worker.send(PACKET.CAN_DO, 'f')
  for (const unique of ['high', 'normal', 'low']) {
    worker.send(PACKET.GRAB_JOB_UNIQ)
    const assigned = await worker.receive()
    assert.deepEqual(assigned.args.slice(1), ['f', unique])
    worker.send(PACKET.WORK_COMPLETE, assigned.args[0] ?? '', '')
  }
  worker.send(PACKET.GRAB_JOB)
  assert.equal((await worker.receive()).name, 'NO_JOB')
})

test('the numbers of a store that was meddled with do not lead astray', async () => {
  using directory = scratch()
  const path = directory.path('jobs.db')
  await fillStore(path, [job({ number: firstNumber })])
  meddle(path, 'UPDATE numbers SET reserved_until = 0')
  await fillStore(path, [job({ number: firstNumber })])
  assert.equal(jobsIn(path).length, 1)
})
