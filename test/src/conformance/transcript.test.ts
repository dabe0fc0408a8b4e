import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { describe, it } from 'node:test'
import { Names, parseTranscript, requestOf } from './transcript.ts'

// A test language that lets a wrong answer pass would make every test in it worthless.

describe('the language of transcripts', () => {
  it('sends the bytes that it says', () => {
    for (const [payload, bytes] of [
      ['PRE_SLEEP', '\0REQ\0\0\0\x04\0\0\0\0'],
      ['CAN_DO f', '\0REQ\0\0\0\x01\0\0\0\x01f'],
      ['SUBMIT_JOB f||x', '\0REQ\0\0\0\x07\0\0\0\x04f\0\0x'],
      ['WORK_COMPLETE h|', '\0REQ\0\0\0\x0d\0\0\0\x02h\0'],
      ['ECHO_REQ \\|\\0\\xff{a*3}', '\0REQ\0\0\0\x10\0\0\0\x06|\0\xffaaa'],
      ['43 ', '\0REQ\0\0\0\x2b\0\0\0\0'],
    ] as const) {
      assert.equal(requestOf(payload, new Names()).toString('latin1'), bytes, payload)
    }
  })

  for (const [template, actual, isSame] of [
    ['f|u', 'f|u', true],
    ['f\\0u', 'f\0u', true],
    ['f', 'f\0', false],
    ['f', 'ff', false],
    ['f.', 'fx', false],
    ['{x*3}', 'xxx', true],
    ['{x*3}', 'xxxx', false],
    ['a\\n', 'a\n', true],
    ['a', 'a\n', false],
    ['$job', `H:${hostname()}:12`, true],
    ['$job', `H:${hostname()}:012`, false],
    ['$job', `H:${hostname()}:12\0`, false],
    ['$job', 'H:elsewhere:1', false],
    ['$x $x', 'a a', true],
    ['$x $x', 'a b', false],
    ['$text', 'several words', true],
    ['$word', 'several words', false],
  ] as const) {
    it(`"${template}" ${isSame ? 'is' : 'is not'} ${JSON.stringify(actual)}`, () => {
      assert.equal(new Names().match(template, actual), isSame)
    })
  }

  it('a name keeps its value, and no other name may have it', () => {
    const names = new Names()
    assert.ok(names.match('$a', 'one'))
    assert.ok(names.match('$a', 'one'))
    assert.ok(!names.match('$a', 'two'))
    assert.throws(() => names.match('$b', 'one'), /that is \$a already/)
    assert.equal(names.fill('<$a>'), '<one>')
    assert.throws(() => names.fill('$c'), /not known yet/)
  })

  it('lines may come in any order, but all and only once', () => {
    const matches = (actual: string) => new Names().matchLines('a\\t1\\nb\\t2\\n.\\n', actual)
    assert.ok(matches('a\t1\nb\t2\n.\n'))
    assert.ok(matches('b\t2\na\t1\n.\n'))
    assert.ok(!matches('a\t1\n.\n'))
    assert.ok(!matches('a\t1\na\t1\n.\n'))
    assert.ok(!matches('a\t1\nb\t2\nb\t2\n.\n'))
  })

  it('what is no step is an error, and so is a difference without its reason', () => {
    assert.throws(() => parseTranscript('peer sends CAN_DO f'), /line 1/)
    assert.throws(() => parseTranscript('\npeer >'), /line 2/)
    assert.throws(() => parseTranscript('ours: peer quiet'), /no "differs: REASON"/)
    const { steps, differences, oursOnly } = parseTranscript(`
      # a remark
      ours only: because
      peer > CAN_DO f
      differs: for a reason
      ours:     peer < NOOP
      gearmand: peer quiet
    `)
    assert.deepEqual(
      steps.map(({ lineNumber, only, peer, verb, payload }) => [lineNumber, only, peer, verb, payload]),
      [
        [4, undefined, 'peer', '>', 'CAN_DO f'],
        [6, 'ours', 'peer', '<', 'NOOP'],
        [7, 'gearmand', 'peer', 'quiet', ''],
      ],
    )
    assert.deepEqual([differences, oursOnly], [['for a reason'], 'because'])
  })
})
