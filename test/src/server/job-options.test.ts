import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { plainPolicy } from '@geartrain/engine'
import { JobOptionsError, Policies, policyKeys, readJobOptions } from '@geartrain/server'

const ofJobs = [
  'attempts',
  'retry-on',
  'backoff',
  'backoff-first',
  'backoff-factor',
  'backoff-max',
  'backoff-jitter',
  'retry-foreground',
  'dead-max',
  'dead-for',
  'timeout',
  'ttl',
  'expire',
  'keep-results',
  'unique-for',
]

function problems(policy: Readonly<Record<string, unknown>>): string {
  try {
    readJobOptions(policy)
  } catch (error) {
    assert.ok(error instanceof JobOptionsError)
    return error.message
  }
  return 'none'
}

describe('options of a job', () => {
  it('are one text, however they are written', () => {
    const text = '{"attempts":"3","timeout":"1m"}'
    assert.equal(readJobOptions({ attempts: '3', timeout: '60s' }), text)
    assert.equal(readJobOptions({ timeout: '60000ms', attempts: '3' }), text)
    assert.equal(readJobOptions({ 'retry-on': 'lost,failed' }), '{"retry-on":"failed,lost"}')
    assert.equal(readJobOptions({}), '')
  })

  const wrong: readonly [policy: Readonly<Record<string, unknown>>, sentence: string][] = [
    [{ atempts: '3' }, 'there is no setting "atempts"; did you mean "attempts"?'],
    [{ __proto__: null, constructor: '3' }, 'there is no setting "constructor"'],
    [{ attempts: 'many' }, 'attempts must be a whole number from 1 to 1000000, or "unlimited", or "off", not "many"'],
    [{ attempts: 3 }, 'attempts must be a whole number from 1 to 1000000, or "unlimited", or "off", and is none'],
    [{ ttl: null }, /^ttl must be .*, and is none$/.source],
    [{ rate: '5' }, "rate is for all jobs of a function and can't be set for one job"],
    [{ then: 'g' }, "then is no part of a job's policy: the submission says it by itself"],
    [{ priority: 'low' }, "priority is no part of a job's policy: the submission says it by itself"],
    [{ 'backoff-first': '2m', 'backoff-max': '1m' }, 'backoff-max must not be shorter than backoff-first'],
    [
      { paused: 'on', x: '1' },
      'paused is for all jobs of a function and can\'t be set for one job; there is no setting "x"',
    ],
  ]
  for (const [policy, sentence] of wrong) {
    it(`are not ${JSON.stringify(policy)}`, () => {
      const said = problems(policy)
      if (sentence.startsWith('^')) assert.match(said, new RegExp(sentence))
      else assert.equal(said, sentence)
    })
  }

  it('are the settings that are about one job', () => {
    const possible = policyKeys.filter((key) => !/for all jobs|by itself/.test(problems({ [key]: '?' })))
    assert.deepEqual(possible, ofJobs)
  })

  it('count in place of what the function has, and the rest is as there', () => {
    const policies = new Policies({ f: { attempts: 5, timeout: '1h', 'keep-results': '1h' } })
    const { attempts, timeoutMs, keepResultsMs, ...rest } = policies.policyOf('f', '{"attempts":"2","timeout":"0s"}')
    assert.deepEqual([attempts, timeoutMs, keepResultsMs], [2, 0, 3_600_000])
    assert.deepEqual({ ...plainPolicy, ...rest }, { ...plainPolicy, ...rest })
    assert.equal(policies.policyOf('g', '{"attempts":"2"}').attempts, 2)
    assert.equal(policies.policyOf('g'), plainPolicy)
    policies.set('f', { attempts: null, timeout: '5s' })
    assert.equal(policies.policyOf('f', '{"attempts":"2"}').timeoutMs, 5000)
  })

  it('give the first wait, though it is longer than any of the function', () => {
    const policies = new Policies({ f: { 'backoff-max': '1m' }, g: { 'backoff-first': '1h' } })
    const waits = (name: string, options: string) => {
      const { backoffFirstMs, backoffMaxMs } = policies.policyOf(name, options)
      return [backoffFirstMs, backoffMaxMs]
    }
    assert.deepEqual(waits('f', '{"backoff-first":"2m"}'), [120_000, 120_000])
    assert.deepEqual(waits('f', '{"backoff-first":"2s"}'), [2000, 60_000])
    assert.deepEqual(waits('g', '{"backoff-max":"5s"}'), [3_600_000, 5000])
  })

  it('say whether it is kept when it is dead, and not how many are', () => {
    const policies = new Policies({ few: { 'dead-max': 5 }, none: { 'dead-max': 0 } })
    const deadMax = (name: string, options: string) => policies.policyOf(name, options).deadMax
    assert.deepEqual(
      ['0', '3', '9'].map((max) => deadMax('few', `{"dead-max":"${max}"}`)),
      [0, 5, 9],
    )
    assert.deepEqual([deadMax('none', '{"dead-max":"3"}'), deadMax('none', '{"ttl":"1s"}')], [3, 0])
  })

  it('of which a store has others count as far as they are some', () => {
    const policies = new Policies({ f: { attempts: 5 } })
    for (const text of ['no JSON', '7', 'null', '[]', '{"paused":"on","attempts":7,"x":"y","ttl":"never"}']) {
      assert.deepEqual(policies.policyOf('f', text), policies.policyOf('f'), text)
    }
  })
})
