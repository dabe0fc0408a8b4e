import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AssignedJob } from '@geartrain/client'
import { showText } from 'geartrain/dist/table.js'
import { signal } from '../client/signal.ts'
import { onOwnServer, onServers } from '../client/site.ts'
import { freePort, missing, startServer } from '../support/peers.ts'
import { geartrain, untilTrue } from './command.ts'

// `geartrain status`, `workers`, `jobs` and `cancel`, which ask servers.

/** A job that is half done until its test is over. */
function halfDone() {
  const begun = signal()
  const over = signal()
  const work = async (job: AssignedJob) => {
    job.progress(1, 2)
    begun.give()
    await over.given
  }
  return { work, begun: begun.given, [Symbol.dispose]: () => over.give() }
}

onServers('geartrain status', (test) => {
  test('functions, with their jobs and workers', async (site) => {
    const f = site.functionName()
    using job = halfDone()
    await site.worker().handle(f, job.work).start()
    const client = await site.client()
    for (let i = 0; i < 12; i++) await client.submitBackground(f, '')
    await job.begun
    const at = ['-s', site.address]
    const { code, stdout, stderr } = await geartrain(['status', ...at])
    const [head, ...rows] = stdout.trimEnd().split('\n')
    assert.match(head ?? '', /^function +queued +running +workers$/)
    assert.match(rows.find((row) => row.startsWith(`${f} `)) ?? '', /^\S+ +11 +1 +1$/)
    assert.deepEqual([...new Set(rows.map((row) => row.length))], [head?.length], 'numbers are aligned')
    assert.deepEqual([code, stderr], [0, ''])
    assert.deepEqual(
      parseRows((await geartrain(['status', '--json', ...at])).stdout).filter((row) => row['function'] === f),
      [{ function: f, queued: 11, running: 1, workers: 1, server: site.address }],
    )
  })

  test('a name that would break the table is escaped, one that takes two columns a character does not', async (site) => {
    const [escape, wide] = [`${site.functionName()} \u001b[31m`, `${site.functionName()}-画像を縮小する`]
    await site
      .worker()
      .handle(escape, () => '')
      .handle(wide, () => '')
      .start()
    const { stdout } = await geartrain(['status', '-s', site.address])
    assert.ok(stdout.includes(JSON.stringify(escape)), stdout)
    const lines = stdout.split('\n')
    const row = lines.find((line) => line.includes(wide)) ?? ''
    assert.equal(row.length + '画像を縮小する'.length, lines[0]?.length)
  })

  test('with handles: how these jobs stand; exit code 1 if one is not known', async (site) => {
    const [f, g] = [site.functionName(), site.functionName()]
    using job = halfDone()
    await site.worker().handle(f, job.work).start()
    const client = await site.client()
    const running = await client.submitBackground(f, '')
    const waiting = await client.submitBackground(g, '')
    await job.begun
    await untilTrue('the progress is known', async () => (await client.status(running)).numerator === 1)
    const known = await geartrain(['status', '-s', site.address, running, waiting])
    assert.deepEqual(
      [known.code, cells(known.stdout)],
      [
        0,
        [
          ['handle', 'state', 'progress'],
          [running, 'running', '1/2'],
          [waiting, 'waiting', '-'],
        ],
      ],
    )
    const unknown = await geartrain(['status', '-s', site.address, '--json', running, 'H:nowhere:1'])
    assert.deepEqual(
      [unknown.code, unknown.stderr, parseRows(unknown.stdout)],
      [
        1,
        '',
        [
          { handle: running, state: 'running', numerator: 1, denominator: 2, server: site.address },
          { handle: 'H:nowhere:1', state: 'unknown', numerator: 0, denominator: 0, server: null },
        ],
      ],
    )
  })
})

onServers('geartrain workers', (test) => {
  test('those that have functions', async (site) => {
    const [f, g] = [site.functionName(), site.functionName()]
    const clientId = `name-of-${f}`
    await site
      .worker({ clientId })
      .handle(f, () => '')
      .handle(g, () => '')
      .start()
    await site.client()
    const { code, stdout, stderr } = await geartrain(['workers', '-s', site.address])
    const [head, ...rows] = cells(stdout)
    assert.deepEqual(head, ['fd', 'address', 'name', 'functions'])
    const [, address, , ...functions] = rows.find((row) => row[2] === clientId) ?? []
    assert.deepEqual([address, functions.sort()], ['127.0.0.1', [f, g].sort()])
    assert.ok(rows.every((row) => row.length > 3))
    assert.deepEqual([code, stderr], [0, ''])
    const row = parseRows((await geartrain(['workers', '-s', site.address, '--json'])).stdout).find(
      (each) => each['client_id'] === clientId,
    )
    assert.deepEqual([row?.['ip'], row?.['server'], typeof row?.['fd']], ['127.0.0.1', site.address, 'number'])
  })
})

onServers('geartrain jobs', (test) => {
  test('those that wait or run, in the order of their numbers', async (site) => {
    const [f, g] = [site.functionName(), site.functionName()]
    using job = halfDone()
    await site.worker().handle(f, job.work).start()
    const client = await site.client()
    const running = await client.submit(f, '').created()
    const waiting: string[] = []
    for (let i = 0; i < 11; i++) waiting.push(await client.submitBackground(g, ''))
    await job.begun
    await untilTrue('the progress is known', async () => (await client.status(running)).numerator === 1)
    const { code, stdout, stderr } = await geartrain(['jobs', '-s', site.address])
    const [head, ...rows] = cells(stdout)
    assert.deepEqual(head, ['handle', 'state', 'progress', 'kind', 'retries'])
    const own = rows.filter(([handle = '']) => handle === running || waiting.includes(handle))
    assert.deepEqual(own, [
      [running, 'running', '1/2', 'foreground', '0'],
      ...waiting.map((handle) => [handle, 'waiting', '-', 'background', '0']),
    ])
    assert.deepEqual([code, stderr], [0, ''])
    const [first = ''] = waiting
    assert.deepEqual(
      parseRows((await geartrain(['jobs', '-s', site.address, '--json'])).stdout).find(
        ({ handle }) => handle === first,
      ),
      {
        handle: first,
        state: 'waiting',
        numerator: 0,
        denominator: 0,
        background: true,
        retries: 0,
        server: site.address,
      },
    )
    await geartrain(['cancel', '-s', site.address, first])
    const left = cells((await geartrain(['jobs', '-s', site.address])).stdout).map(([handle]) => handle)
    assert.ok(!left.includes(first) && left.includes(waiting[1]), 'a job that was cancelled is not listed')
  })
})

onServers('geartrain cancel', (test) => {
  test('a job that waits is failed; one that no server has is told', async (site) => {
    const client = await site.client()
    const job = client.submit(site.functionName(), '')
    const handle = await job.created()
    const args = ['cancel', '-s', site.address, handle]
    assert.deepEqual(await geartrain(args), {
      code: 0,
      signal: null,
      stdout: `cancelled ${handle}\n`,
      stderr: '',
    })
    await assert.rejects(job.result(), { code: 'JOB_FAILED' })
    const other = await client.submitBackground(site.functionName(), '')
    const none = 'geartrain cancel: no server has the job H:nowhere:1: it has ended, or it never was\n'
    const ended = await geartrain(['cancel', '-s', site.address, 'H:nowhere:1', other, '--json'])
    assert.deepEqual(
      [ended.code, ended.stderr, parseRows(ended.stdout)],
      [
        1,
        none,
        [
          { handle: 'H:nowhere:1', cancelled: false, server: null },
          { handle: other, cancelled: true, server: site.address },
        ],
      ],
    )
  })
})

describe('several servers', () => {
  test('all are asked: a column says which it was; what is down is told, and the others are shown', async (t) => {
    const skip = missing('gearmand')
    if (skip !== undefined) return t.skip(skip)
    await using theirs = await startServer('gearmand')
    await onOwnServer('ours', t, async (site) => {
      const [other, down] = [`127.0.0.1:${theirs.port}`, `127.0.0.1:${await freePort()}`]
      await site
        .worker()
        .handle('b', () => '')
        .start()
      await site
        .worker({}, other)
        .handle('a', () => '')
        .handle('b', () => '')
        .start()
      const handle = await (await site.client({}, other)).submitBackground('nobody', '')
      const env = { GEARMAN_SERVERS: `${site.address},${down},${other}` }
      const complaint = (command: string) => `geartrain ${command}: nothing listens on ${down}\n`

      const status = await geartrain(['status'], { env })
      assert.deepEqual(
        [status.code, status.stderr, cells(status.stdout)],
        [
          1,
          complaint('status'),
          [
            ['function', 'queued', 'running', 'workers', 'server'],
            ['a', '0', '0', '1', other],
            ['b', '0', '0', '1', site.address],
            ['b', '0', '0', '1', other],
            ['nobody', '1', '0', '0', other],
          ],
        ],
      )
      for (const [args, row] of [
        [
          ['status', handle],
          [handle, 'waiting', '-', other],
        ],
        [['jobs'], [handle, 'waiting', '-', 'background', '0', other]],
        [
          ['cancel', handle],
          ['cancelled', handle, 'on', other],
        ],
      ] as const) {
        const [command] = args
        const { code, stdout, stderr } = await geartrain(args, { env })
        assert.deepEqual([code, stderr], [1, complaint(command)])
        assert.ok(
          cells(stdout).some((each) => each.join() === row.join()),
          stdout,
        )
      }
      const workers = parseRows((await geartrain(['workers', '--json'], { env })).stdout)
      assert.deepEqual(workers.map(({ server }) => String(server)).sort(), [site.address, other].sort())
      assert.equal((await geartrain(['status', '-s', `${site.address},${other}`])).code, 0)
    })
  })

  test('none can be reached', async () => {
    const [a, b] = [await freePort(), await freePort()]
    const reasons = `nothing listens on 127.0.0.1:${a}, nothing listens on 127.0.0.1:${b}`
    const advice = 'start a server there (geartrain serve), or name another with --servers'
    for (const args of [['status'], ['status', 'H:x:1'], ['workers'], ['jobs', '--json'], ['cancel', 'H:x:1']]) {
      const ended = await geartrain([...args, '-s', `127.0.0.1:${a},127.0.0.1:${b}`])
      const stderr = `geartrain ${args[0]}: ${reasons}: ${advice}\n`
      assert.deepEqual(ended, { code: 4, signal: null, stdout: '', stderr })
    }
  })

  test('one that takes the connection and says nothing', async (t) => {
    await onOwnServer('ours', t, async (site) => {
      process.kill(site.server.pid, 'SIGSTOP')
      try {
        const { code, stderr } = await geartrain(['status', '-s', site.address, '--timeout', '0.2'])
        const sentence = 'the answer to "status" took longer than 200 ms: allow more with --timeout'
        assert.deepEqual([code, stderr], [5, `geartrain status: ${sentence}\n`])
      } finally {
        process.kill(site.server.pid, 'SIGCONT')
      }
    })
  })
})

describe('a name in a table', () => {
  for (const [name, shown] of [
    ['resize', 'resize'],
    ['größe:画像', 'größe:画像'],
    ['', '""'],
    ['two words', '"two words"'],
    ['a"b', 'a"b'],
    ['a\tb', '"a\\tb"'],
    ['\u001b[31m', '"\\u001b[31m"'],
    ['\u009b31m', '"\\u{9b}31m"'],
    ['\u202eabc', '"\\u{202e}abc"'],
    ['\u{e0041}', '"\\u{e0041}"'],
  ] as const) {
    test(shown, () => assert.equal(showText(name), shown))
  }
})

function cells(table: string): string[][] {
  return table
    .trimEnd()
    .split('\n')
    .map((row) => row.trim().split(/ +/))
}

function parseRows(json: string): Record<string, unknown>[] {
  assert.match(json, /^\[[^\n]*\]\n$/)
  return JSON.parse(json)
}
