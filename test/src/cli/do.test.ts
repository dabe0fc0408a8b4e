import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, it, test } from 'node:test'
import { type AssignedJob, JobFailure } from '@geartrain/client'
import { isDoneBySomebody } from 'geartrain/dist/do/nobody-hint.js'
import { readRunAt } from 'geartrain/dist/do/run-at.js'
import { signal } from '../client/signal.ts'
import { onOwnServer, onServers } from '../client/site.ts'
import { freePort, repositoryRoot } from '../support/peers.ts'
import { Command, type CommandOptions, geartrain, scratch, until, untilTrue } from './command.ts'
import { geartrainScript, missingTerminal, Terminal } from './terminal.ts'

// `geartrain do`, which submits jobs.

const script = join(repositoryRoot, 'packages/cli/bin/geartrain.js')

onServers('geartrain do', (test) => {
  const upperCase = (job: AssignedJob) => job.text().toUpperCase()

  test('the payload is an argument, stdin or a file, and the result goes to stdout as it is', async (site) => {
    const f = site.functionName()
    await site.worker().handle(f, upperCase).start()
    using directory = scratch()
    writeFileSync(directory.path('payload'), 'a file')
    const at = ['-s', site.address]
    const rows: readonly [args: readonly string[], options: CommandOptions, result: string][] = [
      [[f, 'an argument'], {}, 'AN ARGUMENT'],
      [[f], { input: 'stdin\n' }, 'STDIN\n'],
      [[f, '-'], { input: 'stdin' }, 'STDIN'],
      [[f], {}, ''],
      [[f, '--file', directory.path('payload')], { input: 'stdin' }, 'A FILE'],
      [[f, '--file', '-'], { input: 'stdin' }, 'STDIN'],
      [[f, '--', '-x'], {}, '-X'],
    ]
    for (const [args, options, stdout] of rows) {
      const ended = await geartrain(['do', ...at, ...args], options)
      assert.deepEqual(ended, { code: 0, signal: null, stdout, stderr: '' }, args.join(' '))
    }
  })

  test('GEARMAN_SERVERS says where the server is', async (site) => {
    const f = site.functionName()
    await site.worker().handle(f, upperCase).start()
    const { stdout } = await geartrain(['do', f, 'x'], { env: { GEARMAN_SERVERS: site.address } })
    assert.equal(stdout, 'X')
  })

  test('data come as they are sent, the result last; warnings go to stderr, progress to no pipe', async (site) => {
    const f = site.functionName()
    const seen = signal()
    const work = async (job: AssignedJob) => {
      await job.data('one ')
      await seen.given
      job.progress(1, 2)
      await job.warn('careful\n')
      await job.data('two ')
      return 'three'
    }
    await site.worker().handle(f, work).start()
    await using command = new Command(['do', '-s', site.address, f])
    await until('the first part is there', () => (command.stdout === 'one ' ? true : undefined))
    seen.give()
    const { code, stdout, stderr } = await command.ended()
    assert.deepEqual(
      { code, stdout, stderr },
      { code: 0, stdout: 'one two three', stderr: 'geartrain do: warning: careful\n' },
    )
  })

  test('the exit code says how the job ended', async (site) => {
    const [fails, throws, never] = [site.functionName(), site.functionName(), site.functionName()]
    await site
      .worker()
      .handle(fails, () => {
        throw new JobFailure()
      })
      .handle(throws, () => {
        throw new Error('no such account')
      })
      .start()
    const rows: readonly [args: readonly string[], code: number, sentence: string][] = [
      [[fails], 1, 'the job failed'],
      [[throws], 3, 'the worker threw: no such account'],
      [[never, '--timeout', '0.1'], 5, `a job of ${never} took longer than 100 ms: allow more with --timeout`],
    ]
    for (const [args, code, sentence] of rows) {
      const ended = await geartrain(['do', '-s', site.address, ...args])
      assert.deepEqual(ended, { code, signal: null, stdout: '', stderr: `geartrain do: ${sentence}\n` })
    }
  })

  test('--json has a line for each event', async (site) => {
    const [f, throws] = [site.functionName(), site.functionName()]
    const work = async (job: AssignedJob) => {
      await job.data('ä\n')
      await job.warn('w')
      job.progress(1, 3)
      return Buffer.of(0xff, 0)
    }
    await site
      .worker()
      .handle(f, work)
      .handle(throws, () => {
        throw new Error('no')
      })
      .start()
    const { code, stdout, stderr } = await geartrain(['do', '-s', site.address, '--json', f])
    const [created, ...events] = jsonLines(stdout)
    assert.equal(created?.['event'], 'created')
    assert.match(String(created?.['handle']), /^H:/)
    assert.deepEqual(events, [
      { event: 'data', data: 'ä\n' },
      { event: 'warning', data: 'w' },
      { event: 'status', numerator: 1, denominator: 3 },
      { event: 'complete', data: { base64: '/wA=' } },
    ])
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })

    const thrown = await geartrain(['do', '-s', site.address, '--json', throws])
    assert.deepEqual(jsonLines(thrown.stdout)[1], { event: 'exception', data: 'no' })
    assert.deepEqual([thrown.code, thrown.stderr], [3, ''])
  })

  test('--background prints the handle; --unique makes one job; --priority is the order', async (site) => {
    const f = site.functionName()
    const submit = async (payload: string, ...flags: string[]) => {
      const { code, stdout, stderr } = await geartrain(['do', '-s', site.address, f, payload, '-b', ...flags])
      assert.deepEqual([code, stderr], [0, ''])
      return stdout
    }
    const low = await submit('low', '--priority', 'low')
    assert.match(low, /^H:\S+\n$/)
    const normal = await submit('normal', '--unique', 'key')
    assert.equal(await submit('normal again', '-u', 'key'), normal)
    assert.match(await submit('high', '--priority', 'high', '--json'), /^\{"event":"created","handle":"H:[^"]+"\}\n$/)
    const order: string[] = []
    const done = signal()
    await site
      .worker()
      .handle(f, (job) => void (order.push(job.text()) === 3 && done.give()))
      .start()
    await done.given
    assert.deepEqual(order, ['high', 'normal', 'low'])
  })

  test('--priority is the order of foreground jobs as well', async (site) => {
    const f = site.functionName()
    const admin = await site.admin()
    const queued = async (priority: 'high' | 'low') =>
      (await admin.priorityStatus()).some((row) => row.function === f && row[priority] === 1)
    await using low = new Command(['do', '-s', site.address, f, 'low', '--priority', 'low'])
    await untilTrue('the first one is queued', () => queued('low'))
    await using high = new Command(['do', '-s', site.address, f, 'high', '--priority', 'high'])
    await untilTrue('the second one is queued', () => queued('high'))
    let done = 0
    await site
      .worker()
      .handle(f, () => String(++done))
      .start()
    assert.deepEqual([(await high.ended()).stdout, (await low.ended()).stdout], ['1', '2'])
  })

  test('--at: a job for later waits, one for earlier does not', async (site) => {
    const f = site.functionName()
    const later = await geartrain(['do', '-s', site.address, f, 'later', '--at', '+1h'])
    assert.match(later.stdout, /^H:\S+\n$/)
    await geartrain(['do', '-s', site.address, f, 'earlier', '--at', '2001-02-03'])
    const begun = signal<string>()
    await site
      .worker()
      .handle(f, (job) => begun.give(job.text()))
      .start()
    assert.equal(await begun.given, 'earlier')
    const client = await site.client()
    assert.equal((await client.status(later.stdout.trim())).isRunning, false)
  })

  test('--each-line: a job for each, results in their order, whichever ends first', async (site) => {
    const f = site.functionName()
    const cIsDone = signal()
    const work = async (job: AssignedJob) => {
      if (job.text() === 'a') await cIsDone.given
      if (job.text() === 'c') cIsDone.give()
      await job.data(`${job.text()} is `)
      return job.text() === 'b' ? 'done\n' : 'done'
    }
    await site.worker({ concurrency: 10 }).handle(f, work).start()
    const ended = await geartrain(['do', '-s', site.address, f, '--each-line'], { input: 'a\nb\n\nc' })
    assert.deepEqual(ended, {
      code: 0,
      signal: null,
      stdout: 'a is done\nb is done\n is done\nc is done\n',
      stderr: '',
    })
  })

  test('--each-line: results come while there is more to come', async (site) => {
    const f = site.functionName()
    await site.worker().handle(f, upperCase).start()
    const input = new PassThrough()
    await using command = new Command(['do', '-s', site.address, f, '-l'], { input })
    for (const [line, all] of [
      ['a', 'A\n'],
      ['b', 'A\nB\n'],
    ]) {
      input.write(`${line}\n`)
      await until(`the result of ${line} is there`, () => (command.stdout === all ? true : undefined))
    }
    input.end()
    assert.equal((await command.ended()).code, 0)
  })

  test('--in-flight is how many jobs there are at once', async (site) => {
    const f = site.functionName()
    let running = 0
    let most = 0
    const five = signal()
    const work = async () => {
      most = Math.max(most, ++running)
      if (running === 5) five.give()
      await five.given
      // The others may come meanwhile.
      await (await site.client()).echo('')
      running--
      return ''
    }
    await site.worker({ concurrency: 50 }).handle(f, work).start()
    const input = 'line\n'.repeat(50)
    const { code, stdout } = await geartrain(['do', '-s', site.address, f, '-l', '-n', '5'], { input })
    assert.deepEqual([code, stdout, most], [0, '\n'.repeat(50), 5])
  })

  test('--each-line: what fails leaves its line empty and is told', async (site) => {
    const f = site.functionName()
    const work = (job: AssignedJob) => {
      if (job.text() === 'fail') throw new JobFailure()
      if (job.text() === 'throw') throw new Error('not\nthis')
      return upperCase(job)
    }
    await site.worker().handle(f, work).start()
    using directory = scratch()
    writeFileSync(directory.path('lines'), 'a\nfail\nthrow\nb\n')
    const args = ['do', '-s', site.address, f, '--each-line', '--file', directory.path('lines')]
    const summary = 'geartrain do: 2 of 4 lines failed\n'
    assert.deepEqual(await geartrain(args), {
      code: 1,
      signal: null,
      stdout: 'A\n\n\nB\n',
      stderr: `geartrain do: line 2: the job failed\ngeartrain do: line 3: the worker threw: not\nthis\n${summary}`,
    })
    const { code, stdout, stderr } = await geartrain([...args, '--json'])
    assert.deepEqual(jsonLines(stdout), [
      { line: 1, event: 'complete', data: 'A' },
      { line: 2, event: 'fail' },
      { line: 3, event: 'exception', data: 'not\nthis' },
      { line: 4, event: 'complete', data: 'B' },
    ])
    assert.deepEqual([code, stderr], [1, summary])
  })

  test('--each-line: a line whose job takes too long', async (site) => {
    const args = ['do', '-s', site.address, site.functionName(), '-l', '--timeout', '0.1', '--json']
    const { code, stdout, stderr } = await geartrain(args, { input: 'x' })
    const [line] = jsonLines(stdout)
    assert.deepEqual([line?.['line'], line?.['event'], line?.['code']], [1, 'error', 'TIMEOUT'])
    assert.deepEqual([code, stderr], [1, 'geartrain do: 1 of 1 line failed\n'])
  })

  test('--each-line --background prints the handles', async (site) => {
    const f = site.functionName()
    const { code, stdout } = await geartrain(['do', '-s', site.address, f, '-l', '-b'], { input: 'a\nb\n' })
    const handles = stdout.trim().split('\n')
    assert.deepEqual([code, new Set(handles).size], [0, 2])
    const client = await site.client()
    for (const handle of handles) assert.equal((await client.status(handle)).isKnown, true)
  })

  test('Ctrl-C ends it by the signal, and without a word', async (site) => {
    const f = site.functionName()
    const begun = signal()
    const work = async (job: AssignedJob) => {
      begun.give()
      await new Promise((resolve) => job.signal.addEventListener('abort', resolve))
    }
    await site.worker({ closeTimeoutMs: 1 }).handle(f, work).start()
    await using command = new Command(['do', '-s', site.address, f])
    await begun.given
    command.kill('SIGINT')
    assert.deepEqual(await command.ended(), { code: null, signal: 'SIGINT', stdout: '', stderr: '' })
  })

  test('a reader that goes away ends it without a word', async (site) => {
    const f = site.functionName()
    await site.worker({ concurrency: 10 }).handle(f, upperCase).start()
    const command = `yes | node '${script}' do -s ${site.address} ${f} --each-line | head -1; echo "$\{PIPESTATUS[*]}"`
    assert.deepEqual(await bash(command), { stdout: 'Y\n141 141 0\n', stderr: '' })
  })

  test('on a terminal: progress, taken away again, and an end to the last line', async (site, t) => {
    if (process.platform !== 'linux') return t.skip('script(1) has other flags elsewhere')
    const f = site.functionName()
    const work = (job: AssignedJob) => {
      job.progress(1, 4)
      return 'done'
    }
    await site.worker().handle(f, work).start()
    const { stdout } = await bash(`script -qec "node '${script}' do -s ${site.address} ${f} x" /dev/null`)
    assert.equal(stdout, `\r\x1b[K${f} 1 of 4 (25 %)\r\x1b[Kdone\r\n`)
  })

  test('on a terminal: a job that nobody does is told of, once, and waits', async (site, t) => {
    const skip = missingTerminal()
    if (skip !== undefined) return t.skip(skip)
    const f = site.functionName()
    const terminal = site.keep(
      new Terminal([geartrainScript, 'do', '-s', site.address, f, 'x'], { columns: 80, rows: 24 }),
    )
    await until('it is told', () => terminal.output.includes('\n') || undefined)
    await site.worker().handle(f, upperCase).start()
    assert.equal(await terminal.ended(), 0)
    assert.equal(terminal.output, `geartrain do: no worker does "${f}" at the moment: the job waits\r\nX\r\n`)
  })

  test('a worker that could do it, busy or not', async (site) => {
    const f = site.functionName()
    const admin = await site.admin()
    assert.equal(await isDoneBySomebody(admin, f), false)
    const job = (await site.client()).submit(f, '')
    await job.created()
    assert.equal(await isDoneBySomebody(admin, f), false)
    const [began, goOn] = [signal(), signal()]
    await site
      .worker()
      .handle(f, () => {
        began.give()
        return goOn.given
      })
      .start()
    await began.given
    assert.equal(await isDoneBySomebody(admin, f), true)
    goOn.give()
    await job.result()
  })
})

describe('geartrain do, on a server that goes away', () => {
  for (const kind of ['ours', 'gearmand'] as const) {
    it(`while its job runs, on ${kind}`, (t) =>
      onOwnServer(kind, t, async (site) => {
        const work = async (job: AssignedJob) => {
          await job.data('begun')
          await new Promise((resolve) => job.signal.addEventListener('abort', resolve))
        }
        await site.worker().handle('f', work).start()
        await using command = new Command(['do', '-s', site.address, 'f'])
        await until('it has begun', () => (command.stdout === 'begun' ? true : undefined))
        process.kill(site.server.pid, 'SIGKILL')
        const { code, stderr } = await command.ended()
        assert.match(stderr, /^geartrain do: .*127\.0\.0\.1:\d+.*: whether it did what was asked is not known\n$/)
        assert.equal(code, 4)
      }))
  }
})

test('--each-line: a server that goes away ends it, also while there may be more lines', async (t) => {
  await onOwnServer('ours', t, async (site) => {
    const input = new PassThrough()
    await using command = new Command(['do', '-s', site.address, 'f', '-l', '-b'], { input })
    input.write('a\n')
    await until('the first one is taken', () => (command.stdout.endsWith('\n') ? true : undefined))
    process.kill(site.server.pid, 'SIGKILL')
    await until('the server has ended', () => site.server.ended())
    input.write('b\n')
    const { code, stderr } = await command.ended()
    assert.match(stderr, /^geartrain do: line 2: /)
    assert.equal(code, 4)
  })
})

test('no server: which ones, why, and what to do', async () => {
  const [a, b] = [await freePort(), await freePort()]
  const advice = 'start a server there (geartrain serve), or name another with --servers'
  for (const flags of [[], ['-b'], ['-l']]) {
    const { code, stderr } = await geartrain(['do', 'f', ...flags, '-s', `127.0.0.1:${a},127.0.0.1:${b}`])
    const expected = `geartrain do: nothing listens on 127.0.0.1:${a}, nothing listens on 127.0.0.1:${b}: ${advice}\n`
    assert.deepEqual([code, stderr], [4, expected])
  }
  const named = await geartrain(['do', 'f', '-s', 'no-such-host.invalid'])
  assert.match(named.stderr, /^geartrain do: there is no address for the name no-such-host\.invalid: /)
})

test('the second server of the list, if the first one is down', async (t) => {
  await onOwnServer('ours', t, async (site) => {
    await site
      .worker()
      .handle('f', (job) => job.text())
      .start()
    const list = `127.0.0.1:${await freePort()},${site.address}`
    assert.equal((await geartrain(['do', 'f', 'x', '-s', list])).stdout, 'x')
  })
})

describe('geartrain do: refused with one sentence, before any server is asked', { concurrency: 2 }, () => {
  const rows: readonly [args: readonly string[], sentence: string][] = [
    [[], "missing required argument 'function'"],
    [['f', 'x', '--prioriti', 'low'], "unknown option '--prioriti'; did you mean --priority?"],
    [
      ['f', '--priority', 'urgent'],
      "option '--priority <priority>' argument 'urgent' is invalid. Allowed choices are high, normal, low.",
    ],
    [
      ['f', '-s', 'host:port'],
      `option '-s, --servers <list>' argument 'host:port' is invalid. "host:port" is not a server: write host:port.`,
    ],
    [['f', 'x', '--file', 'y'], 'the payload is given twice: as an argument and with --file'],
    [
      ['f', 'x', '--ttl', 'soon'],
      "option '--ttl <time>' argument 'soon' is invalid. It must be a time with its unit, from 0 to 365d, such as 500ms, 10s or 5m.",
    ],
    [
      ['f', 'x', '--retry-on', 'rain'],
      `option '--retry-on <reasons>' argument 'rain' is invalid. It must be "all", "none", or some of failed, exception, timeout, lost, with commas between.`,
    ],
    [['f', 'x', '-n', '5'], '--in-flight goes with --each-line'],
    [['f', 'x', '--each-line'], 'with --each-line the payloads are the lines of stdin or of --file, not an argument'],
    [
      ['f', '-l', '--unique', 'key'],
      'with --each-line a --unique would make one job of all lines; only - is possible, the line itself',
    ],
    [
      ['f', '-l', '-n', '0'],
      "option '-n, --in-flight <n>' argument '0' is invalid. It must be a whole number from 1 to 100000.",
    ],
    [
      ['f', '--timeout', 'soon'],
      "option '--timeout <seconds>' argument 'soon' is invalid. It must be a number of seconds, more than 0 and at most 2147483.",
    ],
    [
      ['f', '--at', 'tomorrow'],
      "option '--at <time>' argument 'tomorrow' is invalid. It must be like 2030-01-31, 2030-01-31T09:00, 2030-01-31T09:00:00Z, +90s or +10m.",
    ],
  ]
  for (const [args, sentence] of rows) {
    it(args.join(' '), async () => {
      const ended = await geartrain(['do', ...args])
      assert.deepEqual(ended, { code: 2, signal: null, stdout: '', stderr: `geartrain do: ${sentence}\n` })
    })
  }

  it('an environment that is no list of servers', async () => {
    const { code, stderr } = await geartrain(['do', 'f'], { env: { GEARMAN_SERVERS: 'a:b' } })
    assert.deepEqual([code, stderr], [2, 'geartrain do: "a:b" is not a server: write host:port\n'])
  })
})

test('a file that is not there', async (t) => {
  await onOwnServer('ours', t, async (site) => {
    for (const flags of [[], ['-l']]) {
      const { code, stderr } = await geartrain(['do', 'f', '-s', site.address, '-f', '/nowhere/lines', ...flags])
      assert.deepEqual([code, stderr], [2, 'geartrain do: cannot read /nowhere/lines: no such file or directory\n'])
    }
  })
})

describe('the time of --at', () => {
  const now = Date.parse('2030-01-31T12:00:00Z')
  const rows: readonly [text: string, time: string | undefined][] = [
    ['+90s', '2030-01-31T12:01:30.000Z'],
    ['+10m', '2030-01-31T12:10:00.000Z'],
    ['+2h', '2030-01-31T14:00:00.000Z'],
    ['+1d', '2030-02-01T12:00:00.000Z'],
    ['+250ms', '2030-01-31T12:00:00.250Z'],
    ['2030-02-01T09:00:00Z', '2030-02-01T09:00:00.000Z'],
    ['2030-02-01T09:00:00.125Z', '2030-02-01T09:00:00.125Z'],
    ['2030-02-01T09:00:00+02:00', '2030-02-01T07:00:00.000Z'],
    ['2030-02-01T09:00', new Date(2030, 1, 1, 9).toISOString()],
    ['2030-02-01', new Date(2030, 1, 1).toISOString()],
    ['10m', undefined],
    ['+10', undefined],
    ['+1.5h', undefined],
    ['+1w', undefined],
    ['2030-13-01', undefined],
    ['2030-02-01Tnoon', undefined],
    ['tomorrow', undefined],
    ['', undefined],
  ]
  for (const [text, time] of rows) {
    it(text, () => assert.equal(readRunAt(text, now)?.toISOString(), time))
  }
})

function jsonLines(text: string): Record<string, unknown>[] {
  assert.ok(text.endsWith('\n'))
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

/** A shell's script, as a user writes it. */
function bash(command: string): Promise<{ readonly stdout: string; readonly stderr: string }> {
  return new Promise((resolve, reject) => {
    execFile('bash', ['-c', command], (error, stdout, stderr) => {
      if (error === null) resolve({ stdout, stderr })
      else reject(error)
    })
  })
}
