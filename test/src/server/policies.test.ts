import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Policy, plainPolicy } from '@geartrain/engine'
import {
  createServer,
  type FunctionOptions,
  Policies,
  PolicyError,
  type PolicyKey,
  policyKeys,
  policySettings,
  SettingsError,
  type StoredDocument,
} from '@geartrain/server'
import fc from 'fast-check'

const never = Number.POSITIVE_INFINITY
const day = 86_400_000

describe('a value', () => {
  // At each border: how it is shown again, and undefined for what is refused.
  const rows: readonly [key: PolicyKey, text: string, shown: string | undefined][] = [
    ['attempts', '1', '1'],
    ['attempts', '1000000', '1000000'],
    ['attempts', '1000001', undefined],
    ['attempts', '0', undefined],
    ['attempts', '-1', undefined],
    ['attempts', 'unlimited', 'unlimited'],
    ['attempts', 'off', 'off'],
    ['attempts', '', undefined],
    ['retry-on', 'all', 'all'],
    ['retry-on', 'none', 'none'],
    ['retry-on', 'lost, failed', 'failed,lost'],
    ['retry-on', 'failed,failed', 'failed'],
    ['retry-on', 'lost,timeout,exception,failed', 'all'],
    ['retry-on', 'expired', undefined],
    ['retry-on', 'failed,', undefined],
    ['retry-on', '', undefined],
    ['backoff', 'fixed', 'fixed'],
    ['backoff', 'linear', undefined],
    ['backoff-first', '0', '0'],
    ['backoff-first', '90s', '90s'],
    ['backoff-first', '60s', '1m'],
    ['backoff-first', '10', undefined],
    ['backoff-factor', '1', '1'],
    ['backoff-factor', '1.5', '1.5'],
    ['backoff-factor', '100', '100'],
    ['backoff-factor', '100.1', undefined],
    ['backoff-factor', '0.9', undefined],
    ['backoff-factor', '1e1', undefined],
    ['backoff-jitter', '0', '0'],
    ['backoff-jitter', '0.25', '0.25'],
    ['backoff-jitter', '1', '1'],
    ['backoff-jitter', '1.01', undefined],
    ['backoff-jitter', '.5', undefined],
    ['retry-foreground', 'true', 'true'],
    ['retry-foreground', 'yes', undefined],
    ['dead-max', '0', '0'],
    ['dead-max', '10000001', undefined],
    ['dead-for', 'forever', 'forever'],
    ['dead-for', '0', '0'],
    ['dead-for', '3651d', undefined],
    ['timeout', '365d', '365d'],
    ['timeout', '366d', undefined],
    ['concurrency', '1', '1'],
    ['concurrency', '0', undefined],
    ['concurrency', 'unlimited', 'unlimited'],
    ['group-separator', '::', '::'],
    ['group-separator', '', undefined],
    ['group-separator', ' ', undefined],
    ['group-separator', 'x'.repeat(16), 'x'.repeat(16)],
    ['group-separator', 'x'.repeat(17), undefined],
    ['rate', '100', '100'],
    ['rate', '0.5', '0.5'],
    ['rate', '10/s', '10'],
    ['rate', '30/m', '0.5'],
    ['rate', '10/m', '10/m'],
    ['rate', '5/h', '5/h'],
    ['rate', '0.5/h', '0.0001388888888888889'],
    ['rate', '0.0001', '0.0001'],
    ['rate', '0.00009', undefined],
    ['rate', '1000000', '1000000'],
    ['rate', '1000001', undefined],
    ['rate', '0', undefined],
    ['rate', '10/d', undefined],
    ['rate', '10/', undefined],
    ['rate', '1.2.3', undefined],
    ['rate', 'unlimited', 'unlimited'],
    ['rate-burst', '1', '1'],
    ['rate-burst', '0', undefined],
    ['rate-burst', '0.5', undefined],
    ['max-queue', '1', '1'],
    ['max-queue', '0', undefined],
    ['max-queue', 'unlimited', 'unlimited'],
    ['max-queue-low', '5', '5'],
    ['priority', 'high', 'high'],
    ['priority', 'client', 'client'],
    ['priority', 'urgent', undefined],
    ['keep-results', '1h', '1h'],
    ['unique-for', '500ms', '500ms'],
    ['then', '', ''],
    ['then', 'notify', 'notify'],
    ['then', 'größe', 'größe'],
    ['then', 'mail.*', undefined],
    ['then', 'a\tb', undefined],
    ['then', 'ü'.repeat(256), 'ü'.repeat(256)],
    ['then', `${'ü'.repeat(256)}x`, undefined],
    ['paused', '1', 'true'],
    ['draining', 'off', undefined],
    ['hide-payloads', 'true', 'true'],
  ]
  for (const [key, text, shown] of rows) {
    it(`${key} "${text.slice(0, 40)}" is ${shown === undefined ? 'refused' : `"${shown.slice(0, 40)}"`}`, () => {
      const policies = new Policies()
      if (shown === undefined) {
        const quoted = text.length > 100 ? `${text.slice(0, 100)}...` : text
        assert.equal(refusal(policies, 'f', { [key]: text }), `f: ${key} must be ${rangeOf(key)}, not "${quoted}"`)
        assert.deepEqual(policies.names(), [])
      } else {
        assert.equal(policies.set('f', { [key]: text }), JSON.stringify({ [key]: shown }))
        assert.deepEqual(shownOf(policies, 'f', key), { key, value: shown, source: 'set for f', isDefault: false })
      }
    })
  }

  it('has a row here', () => {
    const keys = new Set(rows.map(([key]) => key))
    const alike: readonly PolicyKey[] = ['backoff-max', 'ttl', 'expire', 'group-concurrency']
    const others: readonly PolicyKey[] = [...alike, 'max-queue-high', 'max-queue-normal']
    assert.deepEqual(
      policyKeys.filter((key) => !keys.has(key)),
      policyKeys.filter((key) => others.includes(key)),
    )
  })
})

describe('a policy', () => {
  const rows: readonly [values: Record<string, string>, policy: Partial<Policy>][] = [
    [{ attempts: '5' }, { attempts: 5 }],
    [{ attempts: 'unlimited' }, { attempts: never }],
    [{ 'retry-on': 'failed,lost' }, { retryOn: { failed: true, exception: false, timeout: false, lost: true } }],
    [{ 'retry-on': 'none' }, { retryOn: { failed: false, exception: false, timeout: false, lost: false } }],
    [{ backoff: 'fixed' }, { backoffFactor: 1 }],
    [{ backoff: 'fixed', 'backoff-factor': '3' }, { backoffFactor: 1 }],
    [{ 'backoff-factor': '1.5' }, { backoffFactor: 1.5 }],
    [
      { 'backoff-first': '10s', 'backoff-max': '10s' },
      { backoffFirstMs: 10_000, backoffMaxMs: 10_000 },
    ],
    [{ 'backoff-jitter': '0' }, { backoffJitter: 0 }],
    [{ 'retry-foreground': 'true' }, { retryForeground: true }],
    [{ 'dead-max': '0' }, { deadMax: 0 }],
    [{ 'dead-for': 'forever' }, { deadForMs: never }],
    [{ 'dead-for': '60d' }, { deadForMs: 60 * day }],
    [{ timeout: '30s' }, { timeoutMs: 30_000 }],
    [{ ttl: '1m' }, { ttlMs: 60_000 }],
    [{ expire: '2m' }, { expireMs: 120_000 }],
    [{ concurrency: '4' }, { concurrency: 4 }],
    [
      { 'group-concurrency': '2', 'group-separator': '/' },
      { groupConcurrency: 2, groupSeparator: '/' },
    ],
    [{ rate: '0.5' }, { rate: 0.5, rateBurst: 1 }],
    [{ rate: '30/m' }, { rate: 0.5, rateBurst: 1 }],
    [{ rate: '2.5' }, { rate: 2.5, rateBurst: 3 }],
    [
      { rate: '100', 'rate-burst': '1' },
      { rate: 100, rateBurst: 1 },
    ],
    [{ 'max-queue': '10' }, { maxQueue: [10, 10, 10] }],
    [{ 'max-queue': '10', 'max-queue-high': 'unlimited', 'max-queue-low': '5' }, { maxQueue: [never, 10, 5] }],
    [{ 'max-queue-normal': '7' }, { maxQueue: [never, 7, never] }],
    [{ priority: 'low' }, { priority: 2 }],
    [{ 'keep-results': '1h' }, { keepResultsMs: 3_600_000 }],
    [{ 'unique-for': '1d' }, { uniqueForMs: day }],
    [{ then: 'größe' }, { then: 'gr\xc3\xb6\xc3\x9fe' }],
    [{ paused: 'true' }, { paused: true }],
    [{ draining: 'true' }, { draining: true }],
  ]
  for (const [values, policy] of rows) {
    it(JSON.stringify(values), () => {
      const policies = new Policies()
      policies.set('f', values)
      assert.deepEqual(policies.policyOf('f'), { ...plainPolicy, ...policy })
      assert.equal(policies.policyOf('g'), plainPolicy)
    })
  }

  it('that is what gearmand does is the plain one', () => {
    const policies = new Policies({ '*': { attempts: 5 } })
    const values = new Policies().show('f').settings.map(({ key, value }) => [key, value])
    policies.set('f', Object.fromEntries(values))
    assert.equal(policies.policyOf('f'), plainPolicy)
    assert.equal(policies.policyOf('g').attempts, 5)
  })

  it('is the same until something else is set for it', () => {
    const policies = new Policies({ 'mail.*': { attempts: 5 } })
    const before = policies.policyOf('mail.send')
    assert.equal(policies.policyOf('mail.send'), before)
    policies.set('resize', { concurrency: '2' })
    assert.equal(policies.policyOf('mail.send'), before)
    policies.set('mail.send', { paused: 'true' })
    assert.deepEqual(policies.policyOf('mail.send'), { ...before, paused: true })
    policies.set('mail.send', { paused: null })
    assert.equal(policies.policyOf('mail.send'), before)
    policies.set('mail.s*', { ttl: '1m' })
    assert.deepEqual(policies.policyOf('mail.send'), { ...before, ttlMs: 60_000 })
    assert.equal(policies.policyOf('mail.get'), before)
  })

  it('is the same for all functions that are treated alike', () => {
    const policies = new Policies({ 'mail.*': { attempts: 5 } })
    const first = policies.policyOf('mail.0')
    for (let i = 0; i < 50_000; i++) assert.equal(policies.policyOf(`mail.${i}`), first)
  })
})

describe('what counts', () => {
  const config: FunctionOptions = {
    '*': { attempts: 1, concurrency: 1, timeout: '1s', ttl: '1s', rate: 1 },
    'mail.*': { attempts: 2, concurrency: 2, timeout: '2s', ttl: '2s' },
    'mail.s*': { attempts: 3, concurrency: 3, timeout: '3s' },
    'mail.send': { attempts: 4, concurrency: 4 },
  }
  const policies = new Policies(config)
  policies.set('m*', { concurrency: '5' })
  policies.set('mail.s*', { concurrency: '6', rate: '6' })
  policies.set('mail.send', { 'dead-max': '7' })
  const rows: readonly [name: string, key: PolicyKey, value: string, source: string][] = [
    ['mail.send', 'attempts', '4', 'functions["mail.send"] of the program'],
    ['mail.send', 'concurrency', '6', 'set for mail.s*'],
    ['mail.send', 'timeout', '3s', 'functions["mail.s*"] of the program'],
    ['mail.send', 'ttl', '2s', 'functions["mail.*"] of the program'],
    ['mail.send', 'rate', '6', 'set for mail.s*'],
    ['mail.send', 'dead-max', '7', 'set for mail.send'],
    ['mail.send', 'dead-for', '30d', 'default'],
    ['mail.get', 'attempts', '2', 'functions["mail.*"] of the program'],
    ['mail.get', 'concurrency', '5', 'set for m*'],
    ['mail.get', 'rate', '1', 'functions["*"] of the program'],
    ['mail.*', 'attempts', '2', 'functions["mail.*"] of the program'],
    ['mail.*', 'concurrency', '5', 'set for m*'],
    ['other', 'concurrency', '1', 'functions["*"] of the program'],
  ]
  for (const [name, key, value, source] of rows) {
    it(`for ${name}, ${key} is ${value}: ${source}`, () => {
      assert.deepEqual(shownOf(policies, name, key), { key, value, source, isDefault: source === 'default' })
    })
  }

  it('of patterns alike the first by name', () => {
    const alike = new Policies({ 'b*': { attempts: 2 }, '*b': { attempts: 1 } })
    assert.equal(alike.policyOf('bb').attempts, 1)
  })

  it('is known by name', () => {
    assert.deepEqual(policies.names(), ['*', 'm*', 'mail.*', 'mail.s*', 'mail.send'])
  })

  it('is found by the bytes of a name', () => {
    const beyond = new Policies({ 'größe.*': { attempts: 3 } })
    assert.equal(beyond.policyOf('gr\xc3\xb6\xc3\x9fe.x').attempts, 3)
    assert.equal(shownOf(beyond, 'gr\xc3\xb6\xc3\x9fe.x', 'attempts')?.source, 'functions["größe.*"] of the program')
    beyond.set('gr\xc3\xb6\xc3\x9fe.x', { attempts: '4' })
    assert.equal(shownOf(beyond, 'gr\xc3\xb6\xc3\x9fe.x', 'attempts')?.source, 'set for größe.x')
  })

  it('a limit that is not set follows the one it comes from', () => {
    const limits = new Policies({ f: { rate: 2.5, 'max-queue': 10 } })
    assert.deepEqual(
      (['rate-burst', 'max-queue-high'] as const).map((key) => shownOf(limits, 'f', key)),
      [
        { key: 'rate-burst', value: '3', source: 'default', isDefault: true },
        { key: 'max-queue-high', value: '10', source: 'default', isDefault: true },
      ],
    )
  })
})

describe('a pattern', () => {
  const rows: readonly [pattern: string, name: string, fits: boolean][] = [
    ['*', '', true],
    ['*', 'mail', true],
    ['mail.*', 'mail.', true],
    ['mail.*', 'mail', false],
    ['mail.*', 'xmail.send', false],
    ['*.send', 'mail.send', true],
    ['*.send', 'mail.sender', false],
    ['mail.*.eu', 'mail.send.de.eu', true],
    ['a*b*c', 'abbcbc', true],
    ['a*b*c', 'acb', false],
    ['a**b', 'ab', true],
    ['mail.*', 'MAIL.send', false],
    ['m.il.*', 'mail.send', false],
    ['[a-z]*', 'mail', false],
  ]
  for (const [pattern, name, fits] of rows) {
    it(`${pattern} ${fits ? 'is' : 'is not'} for "${name}"`, () => {
      assert.equal(new Policies({ [pattern]: { attempts: 2 } }).policyOf(name).attempts === 2, fits)
    })
  }

  it('means what a regular expression would', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), maxLength: 8 })
    fc.assert(
      fc.property(text, text, (pattern, name) => {
        fc.pre(pattern.includes('*') && pattern !== name)
        const likewise = new RegExp(`^${pattern.split('*').map(escapeRegExp).join('[^]*')}$`)
        const { attempts } = new Policies({ [pattern]: { attempts: 2 } }).policyOf(name)
        assert.equal(attempts === 2, likewise.test(name))
      }),
      { numRuns: 1000 },
    )
  })

  it('that is all stars takes no time', () => {
    const policies = new Policies({ [`${'*a'.repeat(250)}b`]: { attempts: 2 } })
    assert.equal(policies.policyOf('a'.repeat(512)), plainPolicy)
  })
})

describe('what is set', () => {
  it('is shown as it would be set', () => {
    const given = fc.record(
      {
        attempts: fc.constantFrom('off', '3', 'unlimited'),
        'retry-on': fc.constantFrom('all', 'none', 'failed,timeout'),
        backoff: fc.constantFrom('fixed', 'exponential'),
        'backoff-factor': fc.double({ min: 1, max: 100, noNaN: true }).map(String),
        'backoff-jitter': fc.constantFrom('0', '0.125', '1'),
        'dead-for': fc.nat({ max: day }).map((ms) => `${ms}ms`),
        rate: fc
          .tuple(fc.integer({ min: 1, max: 100_000 }), fc.constantFrom('s', 'm', 'h'))
          .map((pair) => pair.join('/')),
        'max-queue': fc.integer({ min: 1, max: 1e9 }).map(String),
        'max-queue-low': fc.constantFrom('unlimited', '1'),
        priority: fc.constantFrom('high', 'normal', 'low', 'client'),
        paused: fc.boolean().map(String),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(given, (values) => {
        const policies = new Policies()
        policies.set('f', values)
        const { settings } = policies.show('f')
        const again = new Policies()
        again.set('f', Object.fromEntries(settings.map(({ key, value }) => [key, value])))
        assert.deepEqual(again.policyOf('f'), policies.policyOf('f'))
        const own = new Policies()
        own.set('f', Object.fromEntries(settings.filter((row) => !row.isDefault).map(({ key, value }) => [key, value])))
        assert.deepEqual(own.show('f'), policies.show('f'))
      }),
      { numRuns: 300 },
    )
  })

  it('is all there is to keep, until nothing is left', () => {
    const policies = new Policies({ f: { attempts: 2 } })
    assert.equal(policies.set('f', { attempts: '3', rate: '30/m' }), '{"attempts":"3","rate":"0.5"}')
    assert.equal(policies.set('f', { ttl: '60s', attempts: null }), '{"rate":"0.5","ttl":"1m"}')
    assert.equal(policies.set('f', { rate: null, ttl: null, paused: null }), undefined)
    assert.deepEqual(policies.policyOf('f'), { ...plainPolicy, attempts: 2 })
    assert.equal(policies.set('g', {}), undefined)
    assert.deepEqual(policies.names(), ['f'])
  })

  const refused: readonly [name: string, values: Record<string, string | null>, message: string][] = [
    ['', {}, 'a function has a name, and this one is empty'],
    ['x'.repeat(513), {}, 'the name of a function has at most 512 bytes, not 513'],
    ['a\nb', {}, 'there is a control character in the name "a\\nb"'],
    ['a\0b', {}, 'there is a control character in the name "a\\u0000b"'],
    ['f', { attemts: '5' }, 'f: there is no setting "attemts"; did you mean "attempts"?'],
    ['f', { keepResults: '1h' }, 'f: there is no setting "keepResults"; did you mean "keep-results"?'],
    ['f', { colour: null }, 'f: there is no setting "colour"'],
    ['f', { __proto_: '1' }, 'f: there is no setting "__proto_"'],
    ['f', { constructor: '1' }, 'f: there is no setting "constructor"'],
    [
      'mail.*',
      { paused: 'yes', attempts: '5', draining: '' },
      'mail.*: paused must be "true" or "false", not "yes"\nmail.*: draining must be "true" or "false", not ""',
    ],
    [
      'f',
      { 'backoff-first': '2h' },
      'f: backoff-max must not be shorter than backoff-first: it is 1h (default), and backoff-first is 2h (set for f)',
    ],
    [
      'slow.*',
      { 'backoff-max': '1s' },
      'slow.work: backoff-max must not be shorter than backoff-first: it is 1s (set for slow.*), ' +
        'and backoff-first is 1m (functions["slow.work"] of the program)',
    ],
    ['f', { then: 'f' }, 'f: then must not lead back to the function itself: f (set for f)'],
    ['g*', { then: 'go' }, 'go: then must not lead back to the function itself: go (set for g*)'],
    [
      'c',
      { then: 'a' },
      'a: then must not lead back to the function itself: ' +
        'a (functions["a"] of the program), then b (functions["b"] of the program), then c (set for c)',
    ],
  ]
  for (const [name, values, message] of refused) {
    it(`${name.slice(0, 20)} ${JSON.stringify(values)} is refused`, () => {
      const policies = new Policies({
        'slow.work': { 'backoff-first': '1m' },
        a: { then: 'b' },
        b: { then: 'c' },
      })
      const before = ['f', 'go', 'c', 'slow.x', 'mail.x'].map((each) => policies.policyOf(each))
      const names = policies.names()
      assert.equal(refusal(policies, name, values), message)
      const after = ['f', 'go', 'c', 'slow.x', 'mail.x'].map((each) => policies.policyOf(each))
      assert.deepEqual(after, before)
      assert.deepEqual(policies.names(), names)
    })
  }

  it('may lead from a pattern to a function of the pattern that says where it ends', () => {
    const policies = new Policies({ 'mail.*': { then: 'mail.log' }, 'mail.log': { then: '' } })
    assert.equal(policies.policyOf('mail.send').then, 'mail.log')
    assert.equal(policies.policyOf('mail.log'), plainPolicy)
    const message = 'mail.log: then must not lead back to the function itself: mail.log (set for mail.*)'
    assert.equal(refusal(new Policies(), 'mail.*', { then: 'mail.log' }), message)
  })

  it('is for so many functions and patterns', () => {
    const document = (name: string): StoredDocument => ({ kind: 'policy', name, body: '{"attempts":"2"}' })
    const functions = new Policies()
    functions.load(
      Array.from({ length: 9_999 }, (_, i) => document(`f${i}`)),
      noLog,
    )
    functions.set('f9999', { attempts: '2' })
    const message = 'settings of more than 10000 functions are not kept: use a pattern'
    assert.equal(refusal(functions, 'one more', { attempts: '2' }), message)
    functions.set('f0', { attempts: '3' })

    const patterns = new Policies()
    patterns.load(
      Array.from({ length: 249 }, (_, i) => document(`p${i}*`)),
      noLog,
    )
    patterns.set('p249*', { attempts: '2' })
    assert.equal(refusal(patterns, '*', { attempts: '2' }), 'settings of more than 250 patterns are not kept')
  })
})

describe('a program', () => {
  const refused: readonly [options: Record<string, Record<string, unknown>>, message: string][] = [
    [{ f: { attempts: 0 } }, `functions["f"]: attempts must be ${rangeOf('attempts')}, not "0"`],
    [{ f: { attempts: [5] } }, `functions["f"]: attempts must be ${rangeOf('attempts')}, and is none`],
    [{ f: { attempts: null } }, `functions["f"]: attempts must be ${rangeOf('attempts')}, and is none`],
    [{ f: { keepResults: 1 } }, 'functions["f"]: there is no setting "keepResults"; did you mean "keep-results"?'],
    [{ 'a\nb': {} }, 'functions["a\\nb"]: there is a control character in the name "a\\nb"'],
    [
      { 'a*': { 'backoff-first': '10s' }, ab: { 'backoff-max': '5s' } },
      'ab: backoff-max must not be shorter than backoff-first: it is 5s (functions["ab"] of the program), ' +
        'and backoff-first is 10s (functions["a*"] of the program)',
    ],
  ]
  for (const [options, message] of refused) {
    it(`that says ${JSON.stringify(options)} is told so`, () => {
      // As a program in JavaScript might.
      assert.throws(
        () => new Policies(options as FunctionOptions),
        (error) => {
          assert.ok(error instanceof SettingsError)
          assert.equal(error.message, message)
          return true
        },
      )
    })
  }

  it('gives them to its server', () => {
    const { engine } = createServer({ functions: { 'mail.*': { attempts: 5 } } })
    engine.createFunction('mail.send')
    assert.equal(engine.findFunction('mail.send')?.policy.attempts, 5)
    assert.throws(() => createServer({ functions: { f: { attempts: 'x' } } }), SettingsError)
  })

  it('writes numbers, switches and lists as such', () => {
    const policies = new Policies({ f: { attempts: 5, paused: true, 'retry-on': ['failed', 'lost'], rate: 0.5 } })
    const { attempts, paused, retryOn, rate } = policies.policyOf('f')
    const wanted = [5, true, { failed: true, exception: false, timeout: false, lost: true }, 0.5]
    assert.deepEqual([attempts, paused, retryOn, rate], wanted)
    const none = new Policies({ f: { 'retry-on': [], attempts: undefined } })
    assert.equal(shownOf(none, 'f', 'retry-on')?.value, 'none')
  })
})

describe('what the store has kept', () => {
  const load = (config: FunctionOptions, documents: readonly [name: string, body: string][]) => {
    const policies = new Policies(config)
    const warnings: string[] = []
    const stored = documents.map(([name, body]) => ({ kind: 'policy', name, body }))
    policies.load([...stored, { kind: 'schedule', name: 'nightly', body: '?' }], {
      warn: (message: unknown) => void warnings.push(String(message)),
    })
    return { policies, warnings }
  }

  it('is as it was set', () => {
    const before = new Policies()
    const body = before.set('mail.*', { attempts: '5', rate: '10/m', then: 'größe' })
    assert.ok(body !== undefined)
    const { policies, warnings } = load({}, [['mail.*', body]])
    assert.deepEqual(warnings, [])
    assert.deepEqual(policies.show('mail.x'), before.show('mail.x'))
  })

  const rows: readonly [name: string, body: string, left: string[], warnings: string[]][] = [
    ['f', 'x', [], ['a stored policy is not used: f: "x" is not what the server has written']],
    ['f', '[]', [], ['a stored policy is not used: f: "[]" is not what the server has written']],
    ['a\nb', '{}', [], ['a stored policy is not used: there is a control character in the name "a\\nb"']],
    [
      'f',
      '{"attempts":"5","colour":"red","paused":"perhaps","draining":true}',
      ['attempts'],
      [
        'a stored policy is not used: f: there is no setting "colour"',
        'a stored policy is not used: f: paused must be "true" or "false", not "perhaps"',
        'a stored policy is not used: f: draining must be "true" or "false", and is none',
      ],
    ],
  ]
  for (const [name, body, left, wanted] of rows) {
    it(`as ${name} ${body} is used as far as it is right`, () => {
      const { policies, warnings } = load({}, [[name, body]])
      assert.deepEqual(warnings, wanted)
      const { settings } = policies.show('f')
      assert.deepEqual(
        settings.filter(({ isDefault }) => !isDefault).map(({ key }) => key),
        left,
      )
    })
  }

  it('is left out where the configuration goes against it now', () => {
    const config = { a: { then: 'b' }, slow: { 'backoff-first': '1m' } }
    const { policies, warnings } = load(config, [
      ['b', '{"then":"a"}'],
      ['s*', '{"backoff-max":"1s"}'],
      ['c', '{"attempts":"3"}'],
    ])
    assert.deepEqual(warnings, [
      'the stored policy of s* is not used: slow: backoff-max must not be shorter than backoff-first: ' +
        'it is 1s (set for s*), and backoff-first is 1m (functions["slow"] of the program)',
      'the stored policy of b is not used: a: then must not lead back to the function itself: ' +
        'a (functions["a"] of the program), then b (set for b)',
    ])
    assert.deepEqual(policies.names(), ['a', 'c', 'slow'])
  })
})

const noLog = { warn: () => assert.fail('there is nothing to warn of') }

function rangeOf(key: PolicyKey): string {
  return policySettings[key].type.range
}

function shownOf(policies: Policies, name: string, key: PolicyKey) {
  return policies.show(name).settings.find((setting) => setting.key === key)
}

/** The message of the error that it must be. */
function refusal(policies: Policies, name: string, values: Record<string, string | null>): string {
  try {
    policies.set(name, values)
  } catch (error) {
    assert.ok(error instanceof PolicyError)
    assert.equal(error.code, 'BAD_REQUEST')
    return error.message
  }
  return assert.fail('it was set')
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
