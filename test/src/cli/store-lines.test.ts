import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { readLines } from 'geartrain/dist/lines.js'
import { Progress } from 'geartrain/dist/progress.js'
import { LineError, lineWorkloadBytesMax, readLine, writeHeader, writeJob } from 'geartrain/dist/store/job-line.js'
import { firstNumber, job, jobsOfEveryKind } from './store-file.ts'

// Jobs as lines of JSON, and what is drawn while they go by.

function read(line: string) {
  const read = readLine(Buffer.from(line, 'utf8'))
  assert.ok('job' in read, 'it is a job')
  return read.job
}

describe('a job as a line', () => {
  for (const each of jobsOfEveryKind()) {
    test(`${each.number} comes back as it was`, () => {
      assert.deepEqual(read(writeJob(each)), { ...each, workload: Buffer.from(each.workload) })
    })
  }

  test('whatever its bytes are', () => {
    const name = fc.uint8Array({ maxLength: 80, min: 1 }).map((bytes) => Buffer.from(bytes).toString('latin1'))
    const jobs = fc.record({
      number: fc.integer({ min: 10 ** 15, max: 9 * 10 ** 15 }),
      function: name,
      unique: name,
      reducer: name,
      then: name,
      options: fc.constantFrom('', '{"attempts":"3","ttl":"1h"}'),
      trace: fc.constantFrom('', '00-1-2-01'),
      priority: fc.constantFrom(0, 1, 2),
      runAt: fc.oneof(fc.constant(0), fc.maxSafeNat()),
      expireAt: fc.oneof(fc.constant(0), fc.maxSafeNat()),
      attempts: fc.oneof(fc.constant(0), fc.nat()),
      workload: fc.uint8Array({ maxLength: 300 }),
    })
    fc.assert(
      fc.property(jobs, (each) => {
        const line = writeJob(each)
        assert.ok(!line.includes('\n'))
        assert.deepEqual(read(line), { ...each, workload: Buffer.from(each.workload) })
      }),
    )
  })

  const written: readonly [fields: Parameters<typeof job>[0], line: string][] = [
    [{}, '"function":"f","priority":"normal","workload":"work"'],
    [
      { priority: 0, runAt: 5, unique: 'u', reducer: 'r' },
      '"function":"f","priority":"high","run_at":5,"unique":"u","reducer":"r","workload":"work"',
    ],
    [
      { expireAt: 7, attempts: 2, then: 'g' },
      '"function":"f","priority":"normal","expire_at":7,"attempts":2,"then":"g","workload":"work"',
    ],
    [
      { options: '{"attempts":"3"}', trace: 't' },
      '"function":"f","priority":"normal","policy":{"attempts":"3"},"trace":"t","workload":"work"',
    ],
    [
      { function: 'f\xff', workload: Buffer.of(0xff), priority: 2 },
      '"function_base64":"Zv8=","priority":"low","workload_base64":"/w=="',
    ],
    [{ function: '\xc3\xa4' }, '"function":"ä","priority":"normal","workload":"work"'],
  ]
  for (const [fields, rest] of written) {
    test(rest, () => {
      assert.equal(writeJob({ ...job(fields), number: firstNumber }), `{"number":${firstNumber},${rest}}`)
    })
  }

  test('needs no more than its function', () => {
    assert.deepEqual(read('{"function":"f"}'), { ...job(), workload: Buffer.alloc(0) })
  })

  test('text of more than 64 MiB is base64', () => {
    const workload = Buffer.alloc(64 * 1024 * 1024, 'x')
    assert.match(writeJob({ ...job({ workload }), number: firstNumber }).slice(0, 100), /"workload":"xx/)
    const more = Buffer.alloc(workload.length + 1, 'x')
    const line = writeJob({ ...job({ workload: more }), number: firstNumber })
    assert.match(line.slice(0, 100), /"workload_base64":"/)
    assert.ok(more.equals(read(line).workload))
  })

  test('of more than 256 MiB there is none', () => {
    const workload = Buffer.alloc(lineWorkloadBytesMax + 1)
    const sentence = `the workload of job ${firstNumber} has 268435457 bytes, and a line can hold 268435456`
    assert.throws(() => writeJob({ ...job({ workload }), number: firstNumber }), new LineError(sentence))
  })
})

describe('refused', () => {
  const f = '"function":"f"'
  const rows: readonly [line: string, sentence: string][] = [
    ['nonsense', 'it is no JSON'],
    ['{"function":"f"', 'it is no JSON'],
    ['[]', 'it is no JSON object'],
    ['null', 'it is no JSON object'],
    ['"f"', 'it is no JSON object'],
    ['{}', 'there is no function'],
    [`{${f},"funktion":"f"}`, '"funktion" is no part of a job'],
    [`{${f},"constructor":"f"}`, '"constructor" is no part of a job'],
    ['{"function":7}', '"function" must be text'],
    ['{"function":null}', '"function" must be text'],
    ['{"function":"a\\u0000b"}', '"function" has a NUL, which the protocol can\'t carry'],
    ['{"function_base64":"YQBi"}', '"function" has a NUL, which the protocol can\'t carry'],
    ['{"function":"a","function_base64":"YQ=="}', 'there is both "function" and "function_base64"'],
    [`{"function":"${'f'.repeat(65_537)}"}`, '"function" has more than 65536 bytes'],
    [`{${f},"unique":"\\ud800"}`, '"unique" has half of a character'],
    [`{${f},"workload_base64":"YQ="}`, '"workload_base64" must be base64'],
    [`{${f},"workload_base64":"Y-Q="}`, '"workload_base64" must be base64'],
    [`{${f},"workload_base64":7}`, '"workload_base64" must be base64'],
    [`{${f},"priority":1}`, '"priority" must be "high", "normal" or "low"'],
    [`{${f},"run_at":-1}`, '"run_at" must be milliseconds since 1970, as a whole number'],
    [`{${f},"expire_at":"soon"}`, '"expire_at" must be milliseconds since 1970, as a whole number'],
    [`{${f},"attempts":-1}`, '"attempts" must be a whole number'],
    [`{${f},"policy":"attempts"}`, '"policy" must be an object of settings'],
    [`{${f},"policy":["attempts"]}`, '"policy" must be an object of settings'],
    [
      `{${f},"policy":{"rate":"1"}}`,
      '"policy" is not possible: rate is for all jobs of a function and can\'t be set for one job',
    ],
    [`{${f},"trace":7}`, '"trace" must be text of at most 256 characters'],
    [`{${f},"trace":"${'x'.repeat(257)}"}`, '"trace" must be text of at most 256 characters'],
    [`{${f},"trace":"a\\nb"}`, '"trace" must be text of at most 256 characters'],
    [`{${f},"run_at":"soon"}`, '"run_at" must be milliseconds since 1970, as a whole number'],
    ...['999999999999999', '9000000000000001', '1795286112000001.5', '"1795286112000001"', 'null'].map(
      (number): [string, string] => [
        `{${f},"number":${number}}`,
        '"number" must be a whole number from 1000000000000000 to 9000000000000000, or left out',
      ],
    ),
    ['{"format":"other","version":1,"jobs":1}', 'the format is "other", and must be "geartrain-jobs"'],
    [
      '{"format":"geartrain-jobs","version":2,"jobs":1}',
      'version 2 of the format is not known, only 1: use the geartrain that wrote it, or a newer one',
    ],
    ['{"format":"geartrain-jobs","version":1}', '"jobs" must be a whole number'],
  ]
  for (const [line, sentence] of rows) {
    test(line.slice(0, 80), () => {
      assert.throws(() => readLine(Buffer.from(line, 'utf8')), { name: 'LineError', message: sentence })
    })
  }

  test('what is no UTF-8', () => {
    assert.throws(() => readLine(Buffer.from('{"function":"\xff"}', 'latin1')), { message: 'it is no UTF-8' })
  })

  for (const taken of [
    '{"function":"f","number":1000000000000000}',
    '{"function":"f","number":9000000000000000}',
    `{"function":"${'f'.repeat(65_536)}"}`,
    '{"function":""}',
    '{"function":"f","workload":"a\\u0000b"}',
    ' {"function": "f"}\r',
  ]) {
    test(`not: ${taken.slice(0, 60)}`, () => {
      read(taken)
    })
  }
})

test('a header comes back', () => {
  const line = writeHeader({ jobs: 7 }, new Date(0))
  assert.equal(line, '{"format":"geartrain-jobs","version":1,"exported_at":"1970-01-01T00:00:00.000Z","jobs":7}')
  assert.deepEqual(readLine(Buffer.from(line)), { header: { jobs: 7 } })
})

describe('lines of a stream', () => {
  const rows: readonly [text: string, lines: readonly string[]][] = [
    ['', []],
    ['a', ['a']],
    ['a\n', ['a']],
    ['a\nb', ['a', 'b']],
    ['\n\na\n\n', ['', '', 'a', '']],
    ['long line\nanother\nlast', ['long line', 'another', 'last']],
  ]
  for (const [text, lines] of rows) {
    test(`${JSON.stringify(text)}, however it is cut`, async () => {
      for (let size = 1; size <= text.length + 1; size++) {
        const chunks = Array.from({ length: Math.ceil(text.length / size) }, (_, i) =>
          Buffer.from(text.slice(i * size, (i + 1) * size)),
        )
        const found: string[] = []
        for await (const some of readLines(ofArray(chunks))) {
          found.push(...some.map((line) => Buffer.from(line).toString()))
        }
        assert.deepEqual(found, lines)
      }
    })
  }
})

describe('progress', () => {
  test('is drawn on a terminal, at times, and taken away', () => {
    const drawn: string[] = []
    let now = 0
    const screen = { isTTY: true, write: (text: string) => drawn.push(text) }
    const progress = new Progress(screen, () => now)
    progress.clear()
    for (const done of [10, 20, 30, 40]) {
      progress.show('reading job', done, 200)
      now += 60
    }
    progress.show('reading job', 50, 0)
    progress.clear()
    progress.clear()
    assert.deepEqual(drawn, [
      '\r\x1b[Kreading job 10 of 200 (5 %)',
      '\r\x1b[Kreading job 30 of 200 (15 %)',
      '\r\x1b[Kreading job 50',
      '\r\x1b[K',
    ])
  })

  test('is not drawn elsewhere', () => {
    const drawn: string[] = []
    const progress = new Progress({ write: (text: string) => drawn.push(text) }, () => 0)
    progress.show('reading job', 1, 2)
    progress.clear()
    assert.deepEqual(drawn, [])
  })
})

async function* ofArray(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}
