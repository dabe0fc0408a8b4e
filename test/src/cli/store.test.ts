import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { connect, PACKET, type RawPeer } from '../support/raw.ts'
import { Command, geartrain, scratch, startCommand, until } from './command.ts'
import {
  fillStore,
  firstNumber,
  geartrainScript,
  job,
  jobsIn,
  jobsOfEveryKind,
  meddle,
  storeCommand,
} from './store-file.ts'

// `geartrain store check|stats|export|backup`, which only read.

const ahead = 4_000_000_000_000

describe('check', () => {
  test('a store with jobs of every kind is right', async () => {
    using directory = scratch()
    await fillStore(directory.path('jobs.db'), jobsOfEveryKind())
    for (const flags of [[], ['--full']]) {
      const { code, stdout, stderr } = storeCommand(directory.path(''), ['check', 'jobs.db', ...flags])
      assert.match(stdout, /^OK: 19 jobs of 6 functions, schema 4, \d+\.\d KiB\n$/)
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
    }
    const { stdout } = storeCommand(directory.path(''), ['check', '--store', 'sqlite:jobs.db', '--json'])
    assert.deepEqual(JSON.parse(stdout), {
      ok: true,
      store: 'sqlite:jobs.db',
      jobs: 19,
      functions: 6,
      faults: [],
      more_faults: false,
    })
  })

  test('an empty store is right', async () => {
    using directory = scratch()
    await fillStore(directory.path('jobs.db'), [])
    assert.match(storeCommand(directory.path(''), ['check', 'jobs.db']).stdout, /^OK: 0 jobs of 0 functions/)
  })

  const [first, second, third] = [firstNumber, firstNumber + 1, firstNumber + 2]
  const wrong: readonly [what: string, sql: string, faults: readonly string[]][] = [
    [
      'a count',
      'UPDATE counts SET ready = ready + 1',
      ['counts has 3 ready and 1 delayed jobs of function "f" with priority normal, and there are 2 and 1'],
    ],
    [
      'no count',
      'DELETE FROM counts',
      ['counts has no row for the 2 ready and 1 delayed jobs of function "f" with priority normal'],
    ],
    [
      'a count of nothing',
      'INSERT INTO counts SELECT id, 2, 0, 7, 0, 0 FROM functions',
      ['counts has 0 ready and 7 delayed jobs of function "f" with priority low, and there are 0 and 0'],
    ],
    [
      'a count of what has ended',
      'UPDATE counts SET dead = 2, kept = 3',
      ['counts has 2 dead jobs and 3 results of function "f" with priority normal, and there are 0 and 0'],
    ],
    [
      'a job in two tables',
      `INSERT INTO dead (number, function_id, priority, unique_name, reducer, then_function, submitted_at, died_at,
          reason, attempts, keep_until, workload)
        SELECT number, function_id, priority, '', '', '', 0, 0, 'lost', 0, 0, workload FROM jobs WHERE number = ${third};
       UPDATE counts SET dead = 1`,
      [`job ${third} in dead: it is in jobs as well`],
    ],
    [
      'failures that are none',
      `UPDATE jobs SET failures = '[' WHERE number = ${first}`,
      [`job ${first}: its failures are no JSON array`],
    ],
    [
      'no function',
      'DELETE FROM functions',
      [
        `row ${first} of jobs refers to a row of functions that is not there`,
        `row ${second} of jobs refers to a row of functions that is not there`,
        `row ${third} of jobs refers to a row of functions that is not there`,
        'row null of counts refers to a row of functions that is not there',
      ],
    ],
    [
      'a name that should be text',
      "UPDATE functions SET name = x'66'",
      ['the name of function 1 is neither text nor a BLOB of other bytes'],
    ],
    [
      'one position for two',
      'UPDATE jobs SET position = 1 WHERE position > 0',
      ['2 jobs of function "f" with priority normal have the position 1'],
    ],
    [
      'neither ready nor delayed',
      `UPDATE jobs SET run_at = 0 WHERE number = ${third}`,
      [`job ${third}: it is neither ready nor delayed`],
    ],
    [
      'both ready and delayed',
      `UPDATE jobs SET run_at = 7 WHERE number = ${first}`,
      [`job ${first}: it is both ready and delayed`],
    ],
    [
      'a priority',
      `UPDATE jobs SET priority = 3 WHERE number = ${third}`,
      [
        `job ${third}: its priority is none of 0, 1 and 2`,
        'counts has 2 ready and 1 delayed jobs of function "f" with priority normal, and there are 2 and 0',
        'counts has no row for the 0 ready and 1 delayed jobs of function "f" with priority 3',
      ],
    ],
    [
      'a unique key',
      `UPDATE jobs SET unique_key = 7 WHERE number = ${first}`,
      [`job ${first}: its unique key is not that of its unique`],
    ],
    [
      'no unique key',
      `UPDATE jobs SET unique_key = NULL WHERE number = ${first}`,
      [`job ${first}: its unique key is not that of its unique`],
    ],
    [
      'the same unique twice',
      `UPDATE jobs SET unique_name = 'u1', clash = 1,
        unique_key = (SELECT unique_key FROM jobs WHERE number = ${first}) WHERE number = ${second}`,
      [`the jobs ${first} and ${second} of one function have the same unique`],
    ],
    [
      'a gap in the clashes',
      `UPDATE jobs SET clash = 2 WHERE number = ${first}`,
      [/^the jobs of function 1 with the unique key \d+ have a gap in their clashes$/.source],
    ],
    [
      'a workload that is text',
      `UPDATE jobs SET workload = 'text' WHERE number = ${first}`,
      [`job ${first}: its workload is no BLOB`],
    ],
    [
      'a reducer',
      `UPDATE jobs SET reducer = 7 WHERE number = ${first}`,
      [`job ${first}: its reducer is neither text nor a BLOB of other bytes`],
    ],
    ...['options', 'trace'].map((column): [string, string, string[]] => [
      `a wrong ${column}`,
      `UPDATE jobs SET ${column} = 7 WHERE number = ${first}`,
      [`job ${first}: its ${column} ${column === 'trace' ? 'is' : 'are'} neither text nor a BLOB of other bytes`],
    ]),
    [
      'a time since when it can be begun',
      `UPDATE jobs SET ready_at = 'soon' WHERE number = ${first}`,
      [`job ${first}: the time since which it can be begun is no number`],
    ],
    [
      'a number that will come again',
      'UPDATE numbers SET reserved_until = 5',
      [`job ${third} has a number that may be given out again: numbers are reserved until 5`],
    ],
    ['no reserved number', 'DELETE FROM numbers', ['the table numbers has no row']],
    [
      'an index that has lost a row',
      `PRAGMA writable_schema = ON;
       UPDATE sqlite_schema SET sql = 'CREATE INDEX jobs_delayed ON jobs (run_at, number) WHERE run_at > 5000000000000'
       WHERE name = 'jobs_delayed';
       PRAGMA writable_schema = RESET;
       REINDEX;
       PRAGMA writable_schema = ON;
       UPDATE sqlite_schema SET sql = 'CREATE INDEX jobs_delayed ON jobs (run_at, number) WHERE run_at > 0'
       WHERE name = 'jobs_delayed'`,
      ['SQLite: row 3 missing from index jobs_delayed'],
    ],
  ]
  for (const [what, sql, faults] of wrong) {
    test(`tells ${what}`, async () => {
      using directory = scratch()
      const path = directory.path('jobs.db')
      await fillStore(path, [
        job({ number: first, unique: 'u1' }),
        job({ number: second, unique: 'u2' }),
        job({ number: third, runAt: ahead }),
      ])
      meddle(path, sql)
      const { code, stdout } = storeCommand(directory.path(''), ['check', '--full', '--json', 'jobs.db'])
      const result: unknown = JSON.parse(stdout)
      assert.ok(typeof result === 'object' && result !== null && 'faults' in result && Array.isArray(result.faults))
      const found = result.faults.map(String)
      for (const fault of faults) {
        assert.ok(
          found.some((each) => each === fault || (fault.startsWith('^') && new RegExp(fault).test(each))),
          `"${fault}" is among ${JSON.stringify(found)}`,
        )
      }
      assert.equal(found.length, faults.length, JSON.stringify(found))
      assert.equal(code, 1)
    })
  }

  test('says in words that something is wrong, and no more than a hundred times', async () => {
    using directory = scratch()
    const path = directory.path('jobs.db')
    await fillStore(
      path,
      Array.from({ length: 101 }, () => job({ unique: '' })),
    )
    meddle(path, 'UPDATE jobs SET reducer = 7')
    const { code, stdout } = storeCommand(directory.path(''), ['check', 'jobs.db'])
    const lines = stdout.trimEnd().split('\n')
    assert.equal(lines.length, 101)
    assert.match(lines[0] ?? '', /^job \d+: its reducer is neither text nor a BLOB of other bytes$/)
    assert.equal(lines.at(-1), 'NOT OK: more than 100 faults in sqlite:jobs.db; docs/store.md says what to do')
    assert.equal(code, 1)
  })

  test('a page that was scribbled on is told, and the rest is salvaged', async () => {
    using directory = scratch()
    const path = directory.path('jobs.db')
    const jobs = Array.from({ length: 2000 }, (_, i) =>
      job({ number: firstNumber + i, workload: Buffer.from(`workload ${i} `.repeat(20)) }),
    )
    await fillStore(path, jobs)
    const bytes = readFileSync(path)
    const at = bytes.lastIndexOf('workload 1000 ')
    bytes.fill(0xff, at - (at % 4096), at - (at % 4096) + 4096)
    writeFileSync(path, bytes)

    const checked = storeCommand(directory.path(''), ['check', 'jobs.db'])
    assert.match(checked.stdout, /^SQLite: Tree \d+ page \d+/)
    assert.match(checked.stdout, /\nthe jobs can't be read to the end: .* \(SQLITE_CORRUPT\)\n/)
    assert.equal(checked.code, 1)

    const refused = storeCommand(directory.path(''), ['export', '--store', 'jobs.db', 'out'])
    assert.match(refused.stderr, /^geartrain store: jobs\.db is damaged; /)
    assert.equal(refused.code, 1)
    assert.deepEqual(
      readdirSync(directory.path('')).filter((name) => name.startsWith('out')),
      [],
    )

    const salvaged = storeCommand(directory.path(''), ['export', '--store', 'jobs.db', '--salvage', 'out'])
    const lost = [...salvaged.stderr.matchAll(/^job (\d+) can't be read$/gm)].map(([, number]) => Number(number))
    assert.ok(lost.includes(firstNumber + 1000) && lost.length < 20)
    assert.match(salvaged.stderr, new RegExp(`exported ${2000 - lost.length} jobs, ${lost.length} can't be read\n$`))
    assert.equal(salvaged.code, 1)
    storeCommand(directory.path(''), ['import', '--store', 'new.db', 'out'])
    assert.deepEqual(
      jobsIn(directory.path('new.db')).map(({ number, workload }) => ({ number, workload })),
      jobs.filter(({ number }) => !lost.includes(number ?? 0)).map(({ number, workload }) => ({ number, workload })),
    )
  })
})

describe('stats', () => {
  test('says it in words', async () => {
    using directory = scratch()
    await fillStore(directory.path('jobs.db'), [
      job({ number: firstNumber, function: 'wc' }),
      job({ number: firstNumber + 1, function: 'wc', priority: 0 }),
      job({ number: firstNumber + 2, function: 'wc', priority: 2, runAt: ahead }),
      job({ number: firstNumber + 3, function: '\xc3\xa4\xc3\xb6', runAt: ahead + 1000 }),
      job({ number: firstNumber + 4, function: 'a b\x01' }),
    ])
    const { code, stdout, stderr } = storeCommand(directory.path(''), ['stats', '--store', 'jobs.db'])
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
    assert.deepEqual(stdout.replace(/size .*/, 'size      so and so').split('\n'), [
      'store     sqlite:jobs.db, schema 4',
      'in use    no',
      'size      so and so',
      'jobs      5 jobs: 3 ready or running, 2 delayed',
      'ended     0 dead, 0 kept for their results',
      'next due  2096-10-02T07:06:40.000Z',
      'oldest    1795286112000001',
      '',
      'function     high  normal  low  delayed  dead  kept  next due                  oldest',
      '"a b\\u0001"     0       1    0        0     0     0  -                         1795286112000005',
      'wc              1       1    0        1     0     0  2096-10-02T07:06:40.000Z  1795286112000001',
      'äö              0       0    0        1     0     0  2096-10-02T07:06:41.000Z  -',
      '',
    ])
  })

  test('says it in JSON', async () => {
    using directory = scratch()
    await fillStore(directory.path('jobs.db'), [
      job({ number: firstNumber, function: 'f\xff' }),
      job({ number: firstNumber + 1, function: 'f\xff', priority: 2, runAt: ahead }),
    ])
    const found: unknown = JSON.parse(storeCommand(directory.path(''), ['stats', 'jobs.db', '--json']).stdout)
    assert.ok(typeof found === 'object' && found !== null && 'bytes' in found && 'log_bytes' in found)
    const { bytes, log_bytes, ...rest } = found
    assert.ok(Number(bytes) > 0 && Number(log_bytes) === 0)
    assert.deepEqual(rest, {
      store: 'sqlite:jobs.db',
      schema: 4,
      pid: null,
      jobs: 2,
      ready: 1,
      delayed: 1,
      dead: 0,
      kept: 0,
      next_due: ahead,
      oldest: firstNumber,
      functions: [
        {
          function_base64: 'Zv8=',
          high: 0,
          normal: 1,
          low: 0,
          delayed: 1,
          dead: 0,
          kept: 0,
          next_due: ahead,
          oldest: firstNumber,
        },
      ],
    })
  })
})

describe('beside a running server', () => {
  test('the store is read as it is at that moment', async () => {
    using directory = scratch()
    await using server = await startServer(directory.path)
    await using peer = await connect(server.port)
    const handles = [await submit(peer, 'first'), await submit(peer, 'second')]
    const numbers = handles.map((handle) => Number(handle.split(':').at(-1)))
    const run = (...args: string[]) => storeCommand(directory.path(''), [...args, '--store', 'jobs.db'])

    assert.match(run('check').stdout, /^OK: 2 jobs of 1 function, /)
    const stats: unknown = JSON.parse(run('stats', '--json').stdout)
    assert.ok(typeof stats === 'object' && stats !== null && 'pid' in stats && 'oldest' in stats && 'ready' in stats)
    assert.deepEqual([stats.pid, stats.oldest, stats.ready], [server.command.pid, numbers[0], 2])
    assert.match(run('stats').stdout, new RegExp(`^in use +by process ${server.command.pid}$`, 'm'))
    const lines = run('export').stdout.trimEnd().split('\n').slice(1)
    assert.deepEqual(
      lines.map((line): unknown => JSON.parse(line)),
      ['first', 'second'].map((workload, i) => ({
        number: numbers[i],
        function: 'f',
        priority: 'normal',
        workload,
      })),
    )
    assert.equal(run('backup', 'copy.db').code, 0)

    const refused = storeCommand(directory.path(''), ['import', '--store', 'jobs.db'], '{"function":"f"}')
    assert.match(
      refused.stderr,
      new RegExp(`^geartrain store: .*/jobs\\.db is in use by process ${server.command.pid}; `),
    )
    assert.equal(refused.code, 1)
    const rehearsed = storeCommand(directory.path(''), ['import', '--dry-run', '--store', 'jobs.db'], lines.join('\n'))
    assert.equal(rehearsed.stdout, 'would import 0 jobs, 2 there already\n')

    // It goes on as if nothing had been.
    await submit(peer, 'third')
    assert.match(run('check', '--full').stdout, /^OK: 3 jobs of 1 function, /)
    assert.deepEqual(
      jobsIn(directory.path('copy.db')).map(({ number }) => number),
      numbers,
    )
  })

  test('while it is written to', async () => {
    using directory = scratch()
    await using server = await startServer(directory.path)
    await using peer = await connect(server.port)
    let isOver = false
    let acknowledged = 0
    const writing = (async () => {
      while (!isOver) {
        for (let i = 0; i < 100; i++) peer.send(PACKET.SUBMIT_JOB_BG, 'f', '', 'x'.repeat(200))
        for (let i = 0; i < 100; i++) {
          assert.equal((await peer.receive()).name, 'JOB_CREATED')
          acknowledged++
        }
      }
    })()
    await until('a thousand jobs are stored', () => acknowledged >= 1000 || undefined)
    const rounds = ['backup copy.db', 'export out', 'check'].map((words) => words.split(' '))
    for (const words of rounds) {
      const least = acknowledged
      await using command = runBeside(directory.path(''), [...words, '--store', 'jobs.db'])
      const { code, stdout, stderr } = await command.ended()
      assert.equal(code, 0, stdout + stderr)
      const count =
        words[0] === 'backup'
          ? jobsIn(directory.path('copy.db')).length
          : Number(/(\d+) jobs/.exec(stdout + stderr)?.[1])
      assert.ok(count >= least, `${words[0]}: ${count} jobs, and ${least} were acknowledged before`)
    }
    isOver = true
    await writing
    assert.match(storeCommand(directory.path(''), ['check', '--full', 'copy.db']).stdout, /^OK: /)
  })
})

describe('backup', () => {
  test('is a store, and one file', async () => {
    using directory = scratch()
    await fillStore(directory.path('jobs.db'), jobsOfEveryKind())
    const { code, stdout, stderr } = storeCommand(directory.path(''), ['backup', 'copy.db', '--store', 'jobs.db'])
    assert.match(stdout, /^copy\.db: 19 jobs, \d+\.\d KiB\n$/)
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
    assert.deepEqual(
      readdirSync(directory.path('')).filter((name) => name.startsWith('copy')),
      ['copy.db'],
    )
    assert.deepEqual(jobsIn(directory.path('copy.db')), jobsIn(directory.path('jobs.db')))
    // A server can take it up.
    await fillStore(directory.path('copy.db'), [job()])
    assert.match(storeCommand(directory.path(''), ['check', '--full', 'copy.db']).stdout, /^OK: 20 jobs/)
  })

  test('has what is still in the log of a server that was killed', async () => {
    using directory = scratch()
    await using server = await startServer(directory.path)
    await using peer = await connect(server.port)
    await submit(peer, 'work')
    server.command.kill('SIGKILL')
    await server.command.ended()
    storeCommand(directory.path(''), ['backup', 'copy.db', '--store', 'jobs.db'])
    assert.equal(jobsIn(directory.path('copy.db')).length, 1)
  })

  test('replaces a file only if told to, and never a store in use', async () => {
    using directory = scratch()
    await fillStore(directory.path('jobs.db'), [job()])
    writeFileSync(directory.path('copy.db'), 'precious')
    const run = (...args: string[]) => storeCommand(directory.path(''), ['backup', ...args, '--store', 'jobs.db'])
    assert.deepEqual(run('copy.db'), {
      code: 1,
      stdout: '',
      stderr: 'geartrain store: copy.db is there already; name another file, or say --force to replace it\n',
    })
    assert.equal(readFileSync(directory.path('copy.db'), 'utf8'), 'precious')
    assert.equal(run('--force', 'copy.db').code, 0)
    assert.equal(jobsIn(directory.path('copy.db')).length, 1)
    assert.equal(run('--force', 'jobs.db').stderr, 'geartrain store: jobs.db is the store itself; name another file\n')

    await using server = await startCommand([
      'serve',
      '--port',
      '0',
      '--http',
      'off',
      '--store',
      `sqlite:${directory.path('copy.db')}`,
    ])
    assert.equal(
      run('--force', 'copy.db').stderr,
      `geartrain store: copy.db is in use by process ${server.command.pid}; name another file\n`,
    )
  })
})

describe('export', () => {
  test('into a file', async () => {
    using directory = scratch()
    await fillStore(directory.path('jobs.db'), [job({ number: firstNumber })])
    const run = (...args: string[]) => storeCommand(directory.path(''), ['export', ...args, '--store', 'jobs.db'])
    assert.deepEqual(run('out'), { code: 0, stdout: '', stderr: 'exported 1 job\n' })
    const [header = '', line, ...rest] = readFileSync(directory.path('out'), 'utf8').split('\n')
    assert.match(header, /^\{"format":"geartrain-jobs","version":1,"exported_at":"[^"]*","jobs":1\}$/)
    assert.equal(line, `{"number":${firstNumber},"function":"f","priority":"normal","workload":"work"}`)
    assert.deepEqual(rest, [''])
    assert.equal(
      run('out').stderr,
      'geartrain store: out is there already; name another file, or say --force to replace it\n',
    )
    assert.equal(run('out', '--force').code, 0)
    assert.equal(existsSync(directory.path('out.part')), false)
  })

  test('into what has no room', async (t) => {
    if (!existsSync('/dev/full')) return t.skip('this system has no /dev/full: run the tests on Linux')
    using directory = scratch()
    await fillStore(directory.path('jobs.db'), [job()])
    const { code, stderr } = storeCommand(directory.path(''), ['export', '/dev/full', '--store', 'jobs.db'])
    assert.equal(stderr, 'geartrain store: cannot write /dev/full: there is no room left on its disk\n')
    assert.equal(code, 1)
    // Through the shell, stdout is the device itself.
    const words = `'${process.execPath}' '${geartrainScript}' store export --store jobs.db > /dev/full`
    const ended = spawnSync('sh', ['-c', words], { cwd: directory.path(''), encoding: 'utf8' })
    assert.equal(ended.stderr, 'geartrain store: cannot write stdout: there is no room left on its disk\n')
    assert.equal(ended.status, 1)
  })

  test('into a pipe whose reader has gone', async () => {
    using directory = scratch()
    const jobs = Array.from({ length: 2000 }, () => job({ workload: Buffer.alloc(1000) }))
    await fillStore(directory.path('jobs.db'), jobs)
    const words = `{ '${process.execPath}' '${geartrainScript}' store export --store jobs.db; echo $? >code; } | head -1`
    const { stdout, stderr } = spawnSync('sh', ['-c', words], { cwd: directory.path(''), encoding: 'utf8' })
    assert.match(stdout, /^\{"format":"geartrain-jobs",[^\n]*\}\n$/)
    assert.equal(stderr, 'geartrain store: whoever read the export has gone\n')
    assert.equal(readFileSync(directory.path('code'), 'utf8'), '1\n')
  })
})

describe('refused with one sentence', () => {
  const rows: readonly [args: string, code: 1 | 2, sentence: string][] = [
    [
      'check nothing.db',
      1,
      'there is no file nothing.db; name the store that a server was started with: --store sqlite:PATH',
    ],
    ['stats', 1, 'there is no file ./geartrain.db; name the store that a server was started with: --store sqlite:PATH'],
    ['stats empty', 1, 'empty is empty; name the store that a server was started with: --store sqlite:PATH'],
    ['stats directory', 1, 'directory is not a file; name the store itself: --store sqlite:PATH'],
    [
      'stats text',
      1,
      'text is not a SQLite database; move it away or name another file (SQLITE_NOTADB: file is not a database)',
    ],
    ['stats other.db', 1, 'other.db is the database of another program; name another file'],
    [
      'check newer.db',
      1,
      'newer.db was written by a newer Geartrain (schema 9, this program knows up to 4); run that one, or name another file',
    ],
    [
      'export --store lost.db',
      1,
      'lost.db is empty or missing, but its log lost.db-wal is there; bring the file back, or move the log away as well to start with nothing',
    ],
    ['backup nowhere/copy.db --store jobs.db', 1, 'cannot write nowhere/copy.db: no such file or directory'],
    ['backup directory --store jobs.db', 1, 'directory is not a file; name another one'],
    ['export nowhere/out --store jobs.db', 1, 'cannot write nowhere/out: no such file or directory'],
    ['import nothing --store jobs.db', 1, 'cannot read nothing: no such file or directory'],
    ['import directory --store jobs.db', 1, 'cannot read directory: it is a directory'],
    [
      'import --store nowhere/jobs.db',
      1,
      "RESOLVED/nowhere/jobs.db can't be opened: there is no directory RESOLVED/nowhere; make it, or name another file",
    ],
    [
      'import --from-gearmand-sqlite jobs.db --store new.db',
      1,
      "jobs.db is no queue of gearmand's but a store of Geartrain's",
    ],
    [
      'stats --store mysql://u:p@x/y',
      2,
      'there is nothing to see in a store "mysql://...@x/y": name one with --store sqlite:PATH',
    ],
    ['stats --store memory', 2, 'there is nothing to see in a store "memory": name one with --store sqlite:PATH'],
    ['stats a.db --store b.db', 2, 'the store is named twice: "a.db" and --store "b.db"'],
    ['stats a.db b.db', 2, "too many arguments for 'stats'. Expected 1 argument but got 2."],
    ['backup', 2, "missing required argument 'file'"],
    ['bogus', 2, "unknown command 'bogus'"],
    ['exprot', 2, "unknown command 'exprot'; did you mean export?"],
    ['check --ful', 2, "unknown option '--ful'; did you mean --full?"],
    ['import --table t', 2, '--table goes with --from-gearmand-sqlite'],
    [
      'import --from-gearmand-sqlite q x',
      2,
      '--from-gearmand-sqlite goes without another file and without --from-line',
    ],
    [
      'import --from-line 0',
      2,
      "option '--from-line <n>' argument '0' is invalid. It must be a whole number from 1 on.",
    ],
    ['stats --config nothing.toml', 2, 'cannot read the configuration file nothing.toml: no such file or directory'],
  ]
  for (const [words, code, sentence] of rows) {
    test(words, async () => {
      using directory = scratch()
      const path = directory.path
      await fillStore(path('jobs.db'), [job()])
      copyFileSync(path('jobs.db'), path('newer.db'))
      meddle(path('newer.db'), 'PRAGMA user_version = 9')
      meddle(path('other.db'), 'CREATE TABLE recipes (name)')
      writeFileSync(path('empty'), '')
      writeFileSync(path('text'), 'This is not a database. '.repeat(100))
      writeFileSync(path('lost.db-wal'), 'log')
      mkdirSync(path('directory'))
      const before = readdirSync(path(''))
      assert.deepEqual(storeCommand(path(''), words.split(' ')), {
        code,
        stdout: '',
        stderr: `geartrain store: ${sentence.replaceAll('RESOLVED/', path('/'))}\n`,
      })
      const after = readdirSync(path('')).filter((name) => !/-(wal|shm)$/.test(name))
      assert.deepEqual(
        after,
        before.filter((name) => !/-(wal|shm)$/.test(name)),
        'nothing is left behind',
      )
    })
  }

  test('a store that this user may not read', async (t) => {
    if (process.getuid?.() === 0) return t.skip('root may read everything: run the tests as another user')
    using directory = scratch()
    await fillStore(directory.path('jobs.db'), [job()])
    chmodSync(directory.path('jobs.db'), 0)
    const { code, stderr } = storeCommand(directory.path(''), ['stats', 'jobs.db'])
    assert.match(stderr, /^geartrain store: jobs\.db can't be opened; give this user the right/)
    assert.equal(code, 1)
  })
})

describe('help', () => {
  test('of geartrain names it', async () => {
    assert.match((await geartrain(['--help'])).stdout, /^ {2}store /m)
  })

  test('of all commands', () => {
    using directory = scratch()
    const { code, stdout } = storeCommand(directory.path(''), ['--help'])
    for (const name of ['check', 'stats', 'export', 'import', 'backup']) {
      assert.match(stdout, new RegExp(`^  ${name} `, 'm'))
      const own = storeCommand(directory.path(''), [name, '-h'])
      assert.match(own.stdout, new RegExp(`^Usage: geartrain store ${name} `))
      assert.match(own.stdout, new RegExp(`^Examples:\n  geartrain store ${name}`, 'm'))
      assert.equal(own.code, 0)
    }
    assert.equal(code, 0)
  })

  test('is shown to whoever names no command', () => {
    using directory = scratch()
    const { code, stdout, stderr } = storeCommand(directory.path(''), [])
    assert.match(stderr, /^Usage: geartrain store /)
    assert.deepEqual({ code, stdout }, { code: 2, stdout: '' })
  })
})

test('the store is found where serve would find it', async () => {
  using directory = scratch()
  const path = directory.path
  for (const [name, count] of [
    ['geartrain.db', 1],
    ['file.db', 2],
    ['variable.db', 3],
    ['flag.db', 4],
  ] as const) {
    await fillStore(
      path(name),
      Array.from({ length: count }, () => job()),
    )
  }
  writeFileSync(path('geartrain.toml'), 'port = 1\nstore = "sqlite:file.db"\n')
  const config = { GEARTRAIN_CONFIG: 'geartrain.toml' }
  const rows: [args: string[], env: Record<string, string>, jobs: number][] = [
    [[], {}, 1],
    [[], { GEARTRAIN_PORT: 'not looked at' }, 1],
    [[], config, 2],
    [['--config', 'geartrain.toml'], {}, 2],
    [[], { ...config, GEARTRAIN_STORE: 'sqlite:variable.db' }, 3],
    [['--store', 'flag.db'], { GEARTRAIN_STORE: 'sqlite:variable.db' }, 4],
    [['flag.db'], { GEARTRAIN_STORE: 'sqlite:variable.db' }, 4],
    [['sqlite:flag.db'], {}, 4],
  ]
  for (const [args, env, jobs] of rows) {
    await using command = runBeside(path(''), ['stats', '--json', ...args], env)
    const { stdout, stderr } = await command.ended()
    const found: unknown = JSON.parse(stdout || '{}')
    assert.ok(typeof found === 'object' && found !== null && 'jobs' in found, stderr)
    assert.equal(found.jobs, jobs, args.join(' '))
  }
})

function startServer(path: (name: string) => string) {
  return startCommand(['serve', '--port', '0', '--http', 'off', '--store', `sqlite:${path('jobs.db')}`])
}

/** `geartrain store` while this process does something else. */
function runBeside(directory: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Command {
  return new Command(['store', ...args], { cwd: directory, env })
}

/** Gives the handle. */
async function submit(peer: RawPeer, workload: string): Promise<string> {
  peer.send(PACKET.SUBMIT_JOB_BG, 'f', '', workload)
  const answer = await peer.receive()
  assert.equal(answer.name, 'JOB_CREATED')
  return answer.body.toString()
}
