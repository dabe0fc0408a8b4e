import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { curlCommand, doCommand, lineOf } from '@geartrain/dashboard/pages/job/commands'
import type { JobSnapshot } from '@geartrain/dashboard/pages/job/told'
import fc from 'fast-check'
import { waitingJob } from './samples.ts'

const api = new URL('http://127.0.0.1:4731/api')
const runAt = Date.UTC(2030, 0, 31, 9)

describe('the same job again', () => {
  const rows: readonly [
    job: Partial<JobSnapshot>,
    line: string | undefined,
    command: string | undefined,
    curl: string,
  ][] = [
    [
      {},
      'hello',
      'geartrain do --background mail hello',
      'curl --data-raw hello http://127.0.0.1:4731/api/functions/mail/jobs',
    ],
    [
      { background: false },
      '',
      "geartrain do mail ''",
      "curl --data-raw '' 'http://127.0.0.1:4731/api/functions/mail/jobs?wait=true'",
    ],
    [
      { unique: "it's 'so'", priority: 'high', then: 'next', state: 'delayed', runAt },
      '{"a":1}',
      `geartrain do --background --unique 'it'\\''s '\\''so'\\''' --priority high --at 2030-01-31T09:00:00.000Z --then next mail '{"a":1}'`,
      `curl --data-raw '{"a":1}' 'http://127.0.0.1:4731/api/functions/mail/jobs?unique=it%27s+%27so%27&priority=high&run-at=${runAt}&then=next'`,
    ],
    [
      // Put off after a failure: that is no time which anybody has asked for.
      {
        state: 'delayed',
        runAt,
        attempts: 1,
        options: { attempts: '5', timeout: '30s', 'retry-foreground': 'true', 'dead-for': '1d' },
      },
      undefined,
      'geartrain do --background --attempts 5 --job-timeout 30s --retry-foreground --file payload.bin mail',
      "curl --data-binary @payload.bin 'http://127.0.0.1:4731/api/functions/mail/jobs?attempts=5&timeout=30s&retry-foreground=true&dead-for=1d'",
    ],
    [
      { function: '-x /ü', unique: '-', reducer: 'sum' },
      '-v',
      "geartrain do --background --unique=- -- '-x /ü' -v",
      "curl --data-raw -v 'http://127.0.0.1:4731/api/functions/-x%20%2F%C3%BC/jobs?unique=-&reducer=sum'",
    ],
    [
      { function: 'a\u001b[2Jb', unique: '\n' },
      'x',
      undefined,
      "curl --data-raw x 'http://127.0.0.1:4731/api/functions/a%1B%5B2Jb/jobs?unique=%0A'",
    ],
  ]
  for (const [job, line, command, curl] of rows) {
    test(JSON.stringify(job), () => {
      const whole = { ...waitingJob, ...job }
      assert.equal(doCommand(whole, line), command)
      assert.equal(curlCommand(whole, line, api, false), curl)
    })
  }

  test('a server with rules wants a token, which is not written there', () => {
    const curl = curlCommand(waitingJob, 'x', new URL('https://jobs.example/prefix/api'), true)
    assert.equal(
      curl,
      'curl -H "Authorization: Bearer $GEARTRAIN_TOKEN" --data-raw x https://jobs.example/prefix/api/functions/mail/jobs',
    )
  })
})

test('a shell gives the words as they were', () => {
  const echo = `printf '%s\\0' `
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), fc.string({ unit: 'grapheme-ascii' }), (name, text) => {
      const line = lineOf(text)
      const command = doCommand({ ...waitingJob, function: name }, line)
      if (command === undefined || line === undefined) return
      const words = execFileSync('sh', ['-c', echo + command.replace(/^geartrain do /, '')], { encoding: 'utf8' })
      assert.deepEqual(words.split('\0').slice(-3, -1), [name, line])
    }),
    { numRuns: 50 },
  )
})

describe('on a command line', () => {
  const rows: readonly [text: string | undefined, isOne: boolean][] = [
    [undefined, false],
    ['', true],
    ['two\n\tlines', true],
    ['-', false],
    ['-v', true],
    ['x'.repeat(2000), true],
    ['x'.repeat(2001), false],
    ['a\0b', false],
    ['\u001b[2J', false],
    ['a\rb', false],
    // These turn the text that follows around.
    ['a\u202eb', false],
    ['grün 😀', true],
  ]
  for (const [text, isOne] of rows) {
    test(JSON.stringify(text)?.slice(0, 40) ?? 'nothing', () => assert.equal(lineOf(text), isOne ? text : undefined))
  }
})
