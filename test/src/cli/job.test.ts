import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { JobDescription } from '@geartrain/client'
import { jobLines } from 'geartrain/dist/job/description.js'
import { relativeTime } from 'geartrain/dist/times.js'
import { signal } from '../client/signal.ts'
import { onOwnServer } from '../client/site.ts'
import { missing, startServer } from '../support/peers.ts'
import { geartrain, untilTrue } from './command.ts'

// `geartrain job`: on a server of its own for each test.

describe('geartrain job', () => {
  it('show: a job that waits and one that runs, by handle and by unique', async (t) => {
    await onOwnServer('ours', t, async (site) => {
      const client = await site.client()
      const begun = signal()
      const over = signal()
      const worker = site.worker({ clientId: 'w1' }).handle('runs', async (job) => {
        job.progress(1, 4)
        begun.give()
        await over.given
      })
      await worker.start()
      const runs = await client.submitBackground('runs', 'x', { unique: 'größe' })
      const waits = await client.submitBackground('waits', Buffer.of(0xff), { unique: 'u', priority: 'low' })
      const other = await client.submitBackground('other', '', {
        unique: 'u',
        runAt: new Date('2100-01-01T00:00:00.250Z'),
      })
      await begun.given
      const show = async (...args: string[]) => {
        const { code, stdout, stderr } = await geartrain(['job', 'show', ...args, '-s', site.address])
        assert.deepEqual([code, stderr], [0, ''])
        return stdout
      }
      await untilTrue('the progress is known', async () => (await client.status(runs)).numerator === 1)
      const running = await show('--unique', 'größe')
      const facts = ['handle', 'function', 'unique', 'state', 'worker', 'progress'].map(
        (head) => new RegExp(`^${head} +(.*)$`, 'm').exec(running)?.[1],
      )
      assert.deepEqual(facts, [runs, 'runs', 'größe', 'running', 'w1 127.0.0.1', '1/4'])
      const waiting = JSON.parse(await show(waits, '--json'))
      assert.deepEqual(
        [waiting.state, waiting.priority, waiting.unique, waiting.workload, waiting.server],
        ['ready', 'low', 'u', { base64: '/w==' }, site.address],
      )
      assert.match(await show('--unique', 'u', '--function', 'waits'), new RegExp(`^handle +${waits}$`, 'm'))
      // Times are to the millisecond.
      assert.match(await show(other), /^runs at +2100-01-01T00:00:00\.250Z \(in /m)
      over.give()
    })
  })

  it('jobs --long: functions, times and workers; of one function or state', async (t) => {
    await onOwnServer('ours', t, async (site) => {
      const client = await site.client()
      const begun = signal()
      const over = signal()
      const worker = site.worker({ clientId: 'w1' }).handle('runs', async () => {
        begun.give()
        await over.given
      })
      await worker.start()
      const runs = await client.submitBackground('runs', 'x')
      const waits = await client.submitBackground('waits', 'x')
      const delayed = await client.submitBackground('waits', 'x', { runAt: new Date('2100-01-01T00:00:00Z') })
      await begun.given
      const list = async (...args: string[]) => {
        const { code, stdout, stderr } = await geartrain(['jobs', ...args, '-s', site.address])
        assert.deepEqual([code, stderr], [0, ''])
        return stdout.replaceAll(/in \d+d/g, 'in DAYS')
      }
      const head = ['handle', 'function', 'state', 'attempts', 'progress', 'worker']
      const rows = {
        runs: [runs, 'runs', 'running', '0', '-', 'w1 127.0.0.1'],
        waits: [waits, 'waits', 'ready', '0', '-', '-'],
        delayed: [delayed, 'waits', 'delayed, in DAYS', '0', '-', '-'],
      }
      for (const [args, expected] of [
        [['--long'], [rows.runs, rows.waits, rows.delayed]],
        [
          ['--function', 'waits'],
          [rows.waits, rows.delayed],
        ],
        [['--state', 'running'], [rows.runs]],
      ] as const) {
        const lines = (await list(...args)).trimEnd().split('\n')
        assert.deepEqual(
          lines.map((line) => line.split(/ {2,}/)),
          [head, ...expected],
        )
      }
      assert.equal(
        JSON.parse(await list('--function', 'waits', '--state', 'delayed', '--json'))[0].runAt,
        4_102_444_800_000,
      )
      over.give()
    })
  })

  it('show says what a job waits for that could run', async (t) => {
    await onOwnServer('ours', t, async (site) => {
      const at = ['-s', site.address]
      const handle = await (await site.client()).submitBackground('f', 'x')
      const waits = async () => /^waits +(.*)$/m.exec((await geartrain(['job', 'show', handle, ...at])).stdout)?.[1]
      assert.equal(await waits(), 'no worker can do it')
      await geartrain(['function', 'pause', 'f', ...at])
      assert.equal(await waits(), 'its function is paused')
    })
  })

  it('C gearmand among the servers is told, and the next one is asked', async (t) => {
    const skip = missing('gearmand')
    if (skip !== undefined) return t.skip(skip)
    await using gearmand = await startServer('gearmand')
    await onOwnServer('ours', t, async (site) => {
      const theirs = `127.0.0.1:${gearmand.port}`
      const handle = await (await site.client()).submitBackground('f', 'x')
      const shown = await geartrain(['job', 'show', handle, '-s', `${theirs},${site.address}`])
      const sentence = `${theirs} is another Gearman server, and this command needs a Geartrain server`
      assert.deepEqual([shown.code, shown.stderr], [0, `geartrain job: ${sentence}\n`])
      assert.match(shown.stdout, new RegExp(`^handle +${handle}$`, 'm'))
    })
  })

  it('result: its bytes, or why there is none', async (t) => {
    await onOwnServer('ours', t, async (site) => {
      const at = ['-s', site.address]
      await geartrain(['function', 'set', 'f', 'keep-results=1h', ...at])
      const client = await site.client()
      const bytes = Buffer.of(0xff, 0, 0x0a)
      const worker = site.worker().handle('f', (job) => {
        if (job.text() === 'throw') throw new Error('no such account')
        return bytes
      })
      await worker.handle('g', () => 'gone').start()
      const done = await client.submitBackground('f', '', { unique: 'done' })
      const thrown = await client.submitBackground('f', 'throw')
      const gone = await client.submitBackground('g', '')
      const waits = await client.submitBackground('nobody', '')
      const hasEnded = async (handle: string) => !(await client.status(handle)).isKnown
      for (const handle of [done, thrown, gone]) await untilTrue('it has ended', () => hasEnded(handle))

      const result = (...args: string[]) => geartrain(['job', 'result', ...args, ...at])
      const text = bytes.toString('utf8')
      assert.deepEqual(await result(done), { code: 0, signal: null, stdout: text, stderr: '' })
      assert.deepEqual(await result('--unique', 'done'), { code: 0, signal: null, stdout: text, stderr: '' })
      const json = `{"handle":"${done}","state":"complete","result":{"base64":"/wAK"},"server":"${site.address}"}\n`
      assert.equal((await result(done, '--json')).stdout, json)
      const none: readonly [handle: string, code: number, sentence: string][] = [
        [thrown, 3, 'the worker threw: no such account'],
        [gone, 1, `there is no job ${gone}: it has ended and its result is not kept, or it never was`],
        [waits, 1, `the job ${waits} has not ended, it is ready`],
      ]
      for (const [handle, code, sentence] of none) {
        assert.deepEqual(await result(handle), {
          code,
          signal: null,
          stdout: '',
          stderr: `geartrain job: ${sentence}\n`,
        })
      }
    })
  })

  it('prioritize and cancel', async (t) => {
    await onOwnServer('ours', t, async (site) => {
      const at = ['-s', site.address]
      const client = await site.client()
      const [a, b, c] = [
        await client.submitBackground('f', 'a'),
        await client.submitBackground('f', 'b'),
        await client.submitBackground('f', 'c'),
      ]
      const say = async (...args: string[]) => {
        const { code, stdout, stderr } = await geartrain(['job', ...args, ...at])
        return [code, stdout, stderr]
      }
      assert.deepEqual(await say('prioritize', c, 'high'), [0, `${c} has the priority high\n`, ''])
      assert.deepEqual(await say('cancel', b), [0, `cancelled ${b}\n`, ''])
      const sentence = `no server has the job ${b}: it has ended, or it never was`
      assert.deepEqual(await say('cancel', b), [1, '', `geartrain job: ${sentence}\n`])
      const order: string[] = []
      const done = signal()
      const worker = site.worker().handle('f', (job) => void (order.push(job.text()) === 2 && done.give()))
      await worker.start()
      await done.given
      assert.deepEqual(order, ['c', 'a'])
      await untilTrue('it has ended', async () => !(await client.status(a)).isKnown)
      const [code, , stderr] = await say('prioritize', a, 'low')
      assert.deepEqual([code, stderr], [1, `geartrain job: there is no job ${a} that waits\n`])
    })
  })

  it('on several servers: the one that has the job', async (t) => {
    await onOwnServer('ours', t, async (site) => {
      await using other = await startServer('ours')
      const address = `127.0.0.1:${other.port}`
      const handle = await (await site.client({}, address)).submitBackground('f', '')
      const at = ['-s', `${site.address},${address}`]
      const shown = JSON.parse((await geartrain(['job', 'show', handle, '--json', ...at])).stdout)
      assert.deepEqual([shown.handle, shown.server], [handle, address])
      assert.equal((await geartrain(['job', 'prioritize', handle, 'high', ...at])).code, 0)
    })
  })
})

describe('what geartrain job refuses', { concurrency: 2 }, () => {
  const which = 'which job? Name either its handle or its --unique'
  const rows: readonly [args: readonly string[], sentence: string][] = [
    [['show'], which],
    [['result', 'H:x:1', '--unique', 'u'], which],
    [['show', 'H:x:1', '--function', 'f'], '--function goes with --unique'],
    [
      ['prioritize', 'H:x:1', 'urgent'],
      "command-argument value 'urgent' is invalid for argument 'priority'. Allowed choices are high, normal, low.",
    ],
  ]
  for (const [args, sentence] of rows) {
    it(args.join(' '), async () => {
      const { code, stdout, stderr } = await geartrain(['job', ...args])
      assert.deepEqual([code, stdout, stderr], [2, '', `geartrain job: ${sentence}\n`])
    })
  }
})

describe('a job as geartrain job show tells of it', () => {
  const now = Date.parse('2030-01-31T12:00:00Z')
  const job: JobDescription = {
    handle: 'H:a:1',
    function: 'fetch',
    unique: '',
    priority: 'high',
    state: 'complete',
    attempts: 0,
    background: true,
    failures: [],
    waiting: 0,
  }

  it('as little as there is', () => {
    assert.deepEqual(jobLines({ ...job, state: 'ready', background: false }, now), [
      'handle    H:a:1',
      'function  fetch',
      'state     ready',
      'kind      foreground, priority high',
    ])
  })

  it('as much as there is', () => {
    const failures = [
      { at: now - 60_000, reason: 'timeout', worker: 'w1 10.0.0.1', error: '' },
      { at: now - 1, reason: 'exception', worker: '', error: 'one\n\ttwo\u001b[2J\n' },
    ] as const
    const all: JobDescription = {
      ...job,
      unique: 'a b',
      attempts: 2,
      worker: 'w2\u001b 10.0.0.2',
      numerator: 1,
      denominator: 2,
      reducer: 'join',
      waiting: 1,
      submittedAt: now - 86_400_000 * 3,
      runAt: now,
      expireAt: now + 1000,
      endedAt: now,
      keepUntil: now + 86_400_000 * 3,
      failures,
      workload: { text: '{"a":1}\n' },
      result: { base64: '/wA=' },
    }
    assert.deepEqual(jobLines(all, now), [
      'handle      H:a:1',
      'function    fetch',
      'unique      "a b"',
      'state       complete',
      'kind        background, priority high',
      'attempts    2 without a result',
      'worker      w2\ufffd 10.0.0.2',
      'progress    1/2',
      'reducer     join',
      'clients     1 waiting for it',
      'submitted   2030-01-28T12:00:00.000Z (3d ago)',
      'runs at     2030-01-31T12:00:00.000Z (now)',
      'expires     2030-01-31T12:00:01.000Z (in 1s)',
      'ended       2030-01-31T12:00:00.000Z (now)',
      'kept until  2030-02-03T12:00:00.000Z (in 3d)',
      '',
      'attempt 1: timeout, 2030-01-31T11:59:00.000Z (60s ago), on w1 10.0.0.1',
      '',
      'attempt 2: exception, 2030-01-31T11:59:59.999Z (now)',
      '  one',
      '  \ttwo\ufffd[2J',
      '',
      'payload, 8 B',
      '  {"a":1}',
      '',
      'result, 2 B, in base64',
      '  /wA=',
    ])
  })

  it('of a long payload the beginning', () => {
    const lines = jobLines({ ...job, state: 'exception', result: { text: 'x'.repeat(4097) } }, now)
    assert.deepEqual(lines.slice(-3), ['exception, 4.0 KiB', `  ${'x'.repeat(4096)}`, '  … (--json has all of it)'])
  })
})

describe('a time from now', () => {
  const hour = 3_600_000
  for (const [ms, shown] of [
    [0, 'now'],
    [999, 'now'],
    [-1000, '1s ago'],
    [119_999, 'in 119s'],
    [-120_000, '2m ago'],
    [2 * hour - 1, 'in 119m'],
    [-2 * hour, '2h ago'],
    [48 * hour - 1, 'in 47h'],
    [48 * hour, 'in 2d'],
  ] as const) {
    it(shown, () => assert.equal(relativeTime(ms, 0), shown))
  }
})
