import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parse, print, stateOf, toBody, toQuery } from '@geartrain/dashboard/filter/filter'
import type { Filter } from '@geartrain/dashboard/filter/filter-keys'
import { quoted, wordsOf } from '@geartrain/dashboard/filter/words'
import fc from 'fast-check'

describe('the filter of jobs', () => {
  const rows: readonly [text: string, filter: Filter][] = [
    ['', {}],
    ['  \t\n ', {}],
    ['function:mail.*', { function: 'mail.*' }],
    ['FUNCTION:Mail.send', { function: 'Mail.send' }],
    ['state:dead', { state: 'dead' }],
    ['State:DEAD', { state: 'dead' }],
    ['priority:high unique:abc', { priority: 'high', unique: 'abc' }],
    ['unique:abc priority:high', { priority: 'high', unique: 'abc' }],
    ['handle:H:web1:12', { handle: 'H:web1:12' }],
    ['H:web1:12', { handle: 'H:web1:12' }],
    ['"H:my web:12"', { handle: 'H:my web:12' }],
    ['worker:10.0.0.7', { worker: '10.0.0.7' }],
    ['worker:~web', { worker: 'web' }],
    ['worker:[::1]:4730', { worker: '[::1]:4730' }],
    ['error:~timeout', { error: 'timeout' }],
    ['error:timeout', { error: 'timeout' }],
    ['error:~~x', { error: '~x' }],
    ['error:"~no such host"', { error: 'no such host' }],
    ['age:>5m age:<1h', { olderThan: '5m', youngerThan: '1h' }],
    ['age:>=05M', { olderThan: '5m' }],
    ['age:<1500ms', { youngerThan: '1500ms' }],
    ['reason:timeout', { reason: 'timeout' }],
    ['message:"could not connect to #"', { message: 'could not connect to #' }],
    ['message:""', { message: '' }],
    ['mail', { function: '*mail*' }],
    ['mail.*', { function: 'mail.*' }],
    ['"two words"', { function: '*two words*' }],
    ['function:"say \\"hi\\" to C:\\\\"', { function: 'say "hi" to C:\\' }],
    ['function:App\\Mail\\Send', { function: 'App\\Mail\\Send' }],
    ['function:"App\\Mail\\new one"', { function: 'App\\Mail\\new one' }],
    ['function:a"b', { function: 'a"b' }],
    ['function:größe😀', { function: 'größe😀' }],
    ['function:App::send', { function: 'App::send' }],
    ['function:"a"state:dead', { function: 'a', state: 'dead' }],
    [`unique:${'u'.repeat(64)}`, { unique: 'u'.repeat(64) }],
    // Bytes that are no text are one byte each.
    [`unique:${'\uf7ff'.repeat(64)}`, { unique: '\uf7ff'.repeat(64) }],
    [`function:${'f'.repeat(512)}`, { function: 'f'.repeat(512) }],
    [`error:${'e'.repeat(1000)}`, { error: 'e'.repeat(1000) }],
    [`message:${'e'.repeat(1000)}`, { message: 'e'.repeat(1000) }],
    ['age:>36600d', { olderThan: '36600d' }],
  ]
  for (const [text, filter] of rows) {
    it(`reads ${JSON.stringify(text.slice(0, 60))}`, () => {
      assert.deepEqual(parse(text), { filter, problems: [] })
      assert.deepEqual(parse(print(filter)), { filter, problems: [] })
    })
  }

  const wrong: readonly [text: string, word: string, message: RegExp][] = [
    ['stat:dead', 'stat:dead', /no key stat:. Did you mean state:\?.*function:stat:dead/],
    ['App::send', 'App::send', /no key app:. There are function, state.*function:App::send/],
    ['constructor:x', 'constructor:x', /no key constructor:/],
    ['state:', 'state:', /no value.*ready, delayed, running/],
    ['state:""', 'state:""', /no value/],
    ['unique:', 'unique:', /no value/],
    ['message:', 'message:', /no value/],
    ['state:nowhere', 'state:nowhere', /no such state; there are ready/],
    ['priority:urgent', 'priority:urgent', /high, normal, low/],
    ['reason:bad', 'reason:bad', /failed, exception, timeout, lost, expired/],
    ['state:constructor', 'state:constructor', /no such state/],
    ['age:5m', 'age:5m', /age:>5m is older/],
    ['age:>5', 'age:>5', /a number and a unit/],
    ['age:>5x', 'age:>5x', /a number and a unit/],
    ['age:>-5m', 'age:>-5m', /a number and a unit/],
    ['age:>36601d', 'age:>36601d', /a hundred years/],
    [`age:>${'9'.repeat(400)}d`, `age:>${'9'.repeat(400)}d`, /a hundred years/],
    ['error:~', 'error:~', /nothing to look for/],
    ['"" ', '""', /nothing to look for/],
    ['function:"no end', 'function:"no end', /no end/],
    ['"\\', '"\\', /no end/],
    [`unique:${'ü'.repeat(33)}`, `unique:${'ü'.repeat(33)}`, /at most 64 bytes; this has 66/],
    [`function:${'f'.repeat(513)}`, `function:${'f'.repeat(513)}`, /at most 512/],
    [`handle:${'f'.repeat(513)}`, `handle:${'f'.repeat(513)}`, /at most 512/],
    [`f${'f'.repeat(511)}`, `f${'f'.repeat(511)}`, /at most 512 bytes; this has 514/],
    [`worker:${'e'.repeat(1001)}`, `worker:${'e'.repeat(1001)}`, /at most 1000/],
    [`message:${'e'.repeat(1001)}`, `message:${'e'.repeat(1001)}`, /at most 1000/],
  ]
  for (const [text, word, message] of wrong) {
    it(`says what is wrong with ${JSON.stringify(text.slice(0, 60))}, and where`, () => {
      const { filter, problems } = parse(`priority:low ${text}`)
      assert.deepEqual(filter, { priority: 'low' })
      assert.equal(problems.length, 1)
      const [problem] = problems
      assert.equal(problem?.word, word)
      assert.deepEqual([problem?.start, problem?.end], [13, 13 + word.length])
      assert.match(problem?.message ?? '', message)
    })
  }

  it('takes the first of two of a kind, and all the rest', () => {
    const { filter, problems } = parse('state:dead mail state:ready function:x age:>1h age:>2h age:<3h')
    assert.deepEqual(filter, { state: 'dead', function: '*mail*', olderThan: '1h', youngerThan: '3h' })
    assert.deepEqual(
      problems.map(({ word }) => word),
      ['state:ready', 'function:x', 'age:>2h'],
    )
    for (const { message } of problems) assert.match(message, /is there already.*Take one/)
  })

  it('is written in one way', () => {
    const rows: readonly [filter: Filter, text: string][] = [
      [{}, ''],
      [{ message: '', state: 'dead', function: 'a b' }, 'function:"a b" state:dead message:""'],
      [{ youngerThan: '1h', olderThan: '5m', error: 'x y' }, 'error:"~x y" age:>5m age:<1h'],
      [{ worker: '~x' }, 'worker:~~x'],
      [{ unique: '"q"' }, 'unique:"\\"q\\""'],
    ]
    for (const [filter, text] of rows) assert.equal(print(filter), text)
  })

  it('is asked for as the API has it', () => {
    const filter: Filter = { function: 'f', handle: 'H:a:1', olderThan: '5m', youngerThan: '1h', message: '' }
    assert.deepEqual(toQuery(filter), { function: 'f', message: '', 'older-than': '5m', 'younger-than': '1h' })
    assert.deepEqual(toBody(filter), { function: 'f', message: '', olderThan: '5m', youngerThan: '1h' })
    assert.deepEqual([toQuery({}), toBody({})], [{}, {}])
  })

  it('has a state also where none is said', () => {
    assert.equal(stateOf({}), undefined)
    assert.equal(stateOf({ worker: 'w' }), 'running')
    assert.equal(stateOf({ reason: 'lost' }), 'dead')
    assert.equal(stateOf({ reason: 'lost', state: 'ready' }), 'ready')
  })
})

/** Texts with what means something in them. */
const text = fc.string({
  unit: fc.oneof(
    {
      weight: 4,
      arbitrary: fc.constantFrom(
        ' ',
        '\t',
        '\n',
        '"',
        '\\',
        ':',
        '~',
        '<',
        '>',
        '=',
        '*',
        'H',
        'state',
        'age',
        'function',
        'error',
        '5m',
        'dead',
      ),
    },
    { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 2 }) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 2 }) },
  ),
  maxLength: 40,
})
const value = text.filter((each) => each !== '')
const name = value.filter((each) => each.length <= 20)
const age = fc.tuple(fc.nat(1000), fc.constantFrom('ms', 's', 'm', 'h', 'd')).map(([count, unit]) => `${count}${unit}`)
const filters: fc.Arbitrary<Filter> = fc.record(
  {
    function: name,
    state: fc.constantFrom('ready', 'delayed', 'running', 'dead', 'complete', 'failed', 'exception'),
    priority: fc.constantFrom('high', 'normal', 'low'),
    unique: name.filter((each) => new TextEncoder().encode(each).length <= 64),
    handle: name,
    worker: value,
    error: value,
    olderThan: age,
    youngerThan: age,
    reason: fc.constantFrom('failed', 'exception', 'timeout', 'lost', 'expired'),
    message: text,
  },
  { requiredKeys: [], noNullPrototype: true },
)

describe('whatever the filter is', () => {
  it('never throws, says of each word what it is for, and is stable once it is written', () => {
    fc.assert(
      fc.property(text, (each) => {
        const { filter, problems } = parse(each)
        for (const { start, end, word } of problems) assert.equal(each.slice(start, end), word)
        const written = print(filter)
        assert.deepEqual(parse(written), { filter, problems: [] })
        assert.equal(print(parse(written).filter), written)
      }),
      { numRuns: 2000 },
    )
  })

  it('is read as it was written', () => {
    fc.assert(
      fc.property(filters, (filter) => {
        assert.deepEqual(parse(print(filter)), { filter, problems: [] })
      }),
      { numRuns: 1000 },
    )
  })

  it('asks for the same in any order of its words', () => {
    fc.assert(
      fc.property(filters, fc.integer(), (filter, seed) => {
        const words = wordsOf(print(filter)).map(({ text: word }) => word)
        const mixed = words.toSorted((one, other) => ((seed + one.length * 7) % 5) - ((seed + other.length * 7) % 5))
        assert.deepEqual(parse(mixed.reverse().join('  ')), { filter, problems: [] })
      }),
      { numRuns: 300 },
    )
  })

  it('is words and the space between them', () => {
    fc.assert(
      fc.property(text, (each) => {
        let end = 0
        for (const word of wordsOf(each)) {
          assert.equal(each.slice(end, word.start).trim(), '')
          assert.ok(word.end > word.start)
          assert.equal(each.slice(word.start, word.end), word.text)
          end = word.end
        }
        assert.equal(each.slice(end).trim(), '')
      }),
      { numRuns: 1000 },
    )
  })

  it('reads a value as it was quoted', () => {
    fc.assert(
      fc.property(text, (each) => {
        const [word, ...rest] = wordsOf(`unique:${quoted(each)}`)
        assert.deepEqual([word?.key, word?.value, rest.length], ['unique', each, 0])
      }),
    )
  })

  it('takes no longer for a long text', () => {
    const long = `error:"${'\\'.repeat(1_000_000)}`
    assert.equal(parse(long).problems.length, 1)
    assert.equal(parse('"'.repeat(200_000)).problems.length, 100_000)
  })
})
