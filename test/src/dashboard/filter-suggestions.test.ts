import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { accept, asksForWorkers, type SuggestionSources, suggest } from '@geartrain/dashboard/pages/jobs/suggestions'
import fc from 'fast-check'

const sources: SuggestionSources = {
  functions: [
    { name: 'mail.send', count: 1204 },
    { name: 'mail.digest', count: 3 },
    { name: 'email', count: 9 },
    { name: 'statement', count: 1 },
    { name: 'two words', count: 0 },
  ],
  workers: [
    { text: 'php-7', help: '10.0.0.7' },
    { text: '10.0.0.9', help: 'resize' },
  ],
}

function texts(text: string, caret = text.length): string[] {
  return suggest(text, caret, sources).rows.map((row) => row.text)
}

describe('suggestions for the filter of jobs', () => {
  const allKeys = [
    'function:',
    'state:',
    'priority:',
    'unique:',
    'handle:',
    'worker:',
    'error:',
    'age:',
    'reason:',
    'message:',
  ]
  const rows: readonly [text: string, suggested: readonly string[]][] = [
    ['', allKeys],
    ['state:dead ', allKeys.filter((key) => key !== 'state:')],
    ['age:>5m ', allKeys],
    ['age:>5m age:<1h ', allKeys.filter((key) => key !== 'age:')],
    ['sta', ['state:', 'function:statement']],
    ['dea', ['state:dead']],
    ['DEA', ['state:dead']],
    ['fail', ['state:failed', 'reason:failed']],
    ['mail', ['function:mail.send', 'function:mail.digest', 'function:email']],
    ['function:mail', ['function:mail.send', 'function:mail.digest', 'function:email']],
    ['function:*mail*', ['function:mail.send', 'function:mail.digest', 'function:email']],
    ['function:"two w', ['function:"two words"']],
    ['two', ['function:"two words"']],
    ['function:mail.send mail', []],
    ['state:', ['ready', 'delayed', 'running', 'dead', 'complete', 'failed', 'exception'].map((s) => `state:${s}`)],
    ['state:r', ['state:ready', 'state:running']],
    ['priority:', ['priority:high', 'priority:normal', 'priority:low']],
    ['reason:t', ['reason:timeout']],
    ['age:>', ['age:>5m', 'age:>1h', 'age:>1d']],
    ['worker:', ['worker:php-7', 'worker:10.0.0.9']],
    ['worker:~PHP', ['worker:php-7']],
    ['unique:', []],
    ['constructor:', []],
    ['nothing', []],
  ]
  for (const [text, suggested] of rows) {
    it(`of ${JSON.stringify(text)}`, () => {
      assert.deepEqual(texts(text), suggested)
    })
  }

  it('have a line of help each', () => {
    for (const { help } of suggest('', 0, sources).rows) assert.notEqual(help, '')
    assert.equal(suggest('send', 4, sources).rows[0]?.help, '1,204 jobs')
  })

  it('are for the word at the caret, which they replace', () => {
    const text = 'state:re priority:high'
    const found = suggest(text, 8, sources)
    const [row] = found.rows
    assert.ok(row !== undefined)
    assert.deepEqual(accept(text, found, row), { text: 'state:ready priority:high', caret: 12 })
    assert.deepEqual(accept('sta', suggest('sta', 3, sources), { text: 'state:', help: '', isKey: true }), {
      text: 'state:',
      caret: 6,
    })
    // What stands behind the caret goes.
    assert.deepEqual(texts('state:dead', 7), ['state:delayed', 'state:dead'])
  })

  it('need the workers where one is typed', () => {
    assert.equal(asksForWorkers('state:dead worker:', 18), true)
    assert.equal(asksForWorkers('state:dead worker:', 3), false)
    assert.equal(asksForWorkers('', 0), false)
  })

  it('never fail', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(30), (text, caret) => {
        const found = suggest(text, caret, sources)
        for (const row of found.rows) assert.equal(typeof accept(text, found, row).text, 'string')
      }),
    )
  })
})
