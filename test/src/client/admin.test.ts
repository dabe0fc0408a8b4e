import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Admin, InvalidArgumentError, JobFailedError, ProtocolError, ServerError } from '@geartrain/client'
import { FakeServer } from './proxy.ts'
import { signal } from './signal.ts'
import { onServers } from './site.ts'

onServers('admin', (test) => {
  test('status and priorityStatus count jobs and workers', async (site) => {
    const f = site.functionName()
    const [started, goOn] = [signal(), signal()]
    await site
      .worker({ closeTimeoutMs: 10 })
      .handle(f, async () => {
        started.give()
        await goOn.given
      })
      .start()
    const client = await site.client()
    await client.submitBackground(f, 'runs')
    await started.given
    for (const priority of ['high', 'low', 'low'] as const) await client.submitBackground(f, '', { priority })
    const admin = await site.admin()
    const own = (rows: readonly { readonly function: string }[]) => rows.filter((row) => row.function === f)
    assert.deepEqual(own(await admin.status()), [{ function: f, jobs: 4, running: 1, workers: 1 }])
    assert.deepEqual(own(await admin.priorityStatus()), [{ function: f, high: 1, normal: 0, low: 2, workers: 1 }])
    goOn.give()
  })

  test('workers lists connections, jobs lists jobs', async (site) => {
    const [f, g] = [site.functionName(), site.functionName()]
    const worker = site.worker({ clientId: 'my-worker' })
    await worker
      .handle(f, () => '')
      .handle(g, () => '')
      .start()
    const admin = await site.admin()
    const rows = await admin.workers()
    const row = rows.find(({ clientId }) => clientId === 'my-worker')
    assert.equal(row?.ip, '127.0.0.1')
    assert.deepEqual([...(row?.functions ?? [])].sort(), [f, g])
    assert.ok(Number.isInteger(row?.fd))
    assert.ok(rows.some(({ clientId, functions }) => clientId === undefined && functions.length === 0))

    const h = site.functionName()
    const client = await site.client()
    const background = await client.submitBackground(h, '', { unique: h })
    const foreground = await client.submit(h, '').created()
    const listed = (await admin.jobs()).filter(({ handle }) => handle === background || handle === foreground)
    const byHandle = new Map(listed.map((job) => [job.handle, job]))
    assert.deepEqual(byHandle.get(background), { handle: background, retries: 0, isIgnored: false, isBackground: true })
    assert.equal(byHandle.get(foreground)?.isBackground, false)
    assert.ok((await admin.uniqueJobs()).includes(h))
  })

  test('cancel fails a job, once', async (site) => {
    const admin = await site.admin()
    const job = (await site.client()).submit(site.functionName(), '')
    assert.equal(await admin.cancel(await job.created()), true)
    await assert.rejects(job.result(), JobFailedError)
    assert.equal(await admin.cancel('H:none:1'), false)
  })

  test('createFunction and dropFunction', async (site) => {
    const f = site.functionName()
    const admin = await site.admin()
    const names = async () => (await admin.status()).map((row) => row.function)
    await admin.createFunction(f)
    assert.ok((await names()).includes(f))
    await admin.dropFunction(f)
    assert.ok(!(await names()).includes(f))
    await assert.rejects(admin.dropFunction(f), (error) => {
      assert.ok(error instanceof ServerError)
      assert.deepEqual([error.message, error.serverCode], ['function not found', ''])
      return true
    })
    await site
      .worker()
      .handle(f, () => '')
      .start()
    const message = 'there are still connected workers or executing clients'
    await assert.rejects(admin.dropFunction(f), { code: 'SERVER_ERROR', message })
  })

  test('maxQueue: for all priorities, for each, and lifted', async (site) => {
    const f = site.functionName()
    const admin = await site.admin()
    const client = await site.client()
    const submit = (priority: 'high' | 'normal' | 'low') => client.submitBackground(f, '', { priority })
    await admin.createFunction(f)
    await admin.maxQueue(f, 1)
    await submit('normal')
    await assert.rejects(submit('high'), ServerError)
    await admin.maxQueue(f, { high: 3, normal: 1, low: 0 })
    await submit('high')
    await assert.rejects(submit('normal'), ServerError)
    await submit('low')
    await assert.rejects(submit('high'), ServerError)
    await admin.maxQueue(f)
    await submit('high')
  })

  test('version, getpid and verbose, all sent at once', async (site) => {
    const admin = await site.admin()
    const [version, pid, verbose, status] = await Promise.all([
      admin.version(),
      admin.getpid(),
      admin.verbose(),
      admin.status(),
    ])
    assert.match(version, /^\d+\.\d+/)
    assert.equal(pid, site.server.pid)
    assert.match(verbose, /^[A-Z]+$/)
    assert.ok(Array.isArray(status))
  })

  test('names that no command can have', async (site) => {
    const admin = await site.admin()
    for (const name of ['', 'a b', 'a\nstatus', 'a\r']) {
      for (const call of [
        admin.createFunction(name),
        admin.dropFunction(name),
        admin.maxQueue(name),
        admin.cancel(name),
      ]) {
        await assert.rejects(call, InvalidArgumentError)
      }
    }
    await assert.rejects(admin.maxQueue('f', -1), InvalidArgumentError)
    await assert.rejects(admin.maxQueue('f', 1.5), InvalidArgumentError)
    assert.match(await admin.version(), /^\d/)
  })
})

describe('answers of a server, as admin reads them', () => {
  const status = (admin: Admin) => admin.status()
  const workers = (admin: Admin) => admin.workers()
  const uniques = (admin: Admin) => admin.uniqueJobs()
  const rows: readonly [string, (admin: Admin) => Promise<unknown>, string, unknown][] = [
    ['no rows', status, '.\n', []],
    ['CRLF', status, 'f\t1\t0\t2\r\n.\r\n', [{ function: 'f', jobs: 1, running: 0, workers: 2 }]],
    ['a tab in a name', status, 'pre\tf\t1\t0\t2\n.\n', [{ function: 'pre\tf', jobs: 1, running: 0, workers: 2 }]],
    ['an empty name', status, '\t1\t0\t2\n.\n', [{ function: '', jobs: 1, running: 0, workers: 2 }]],
    [
      'a worker without functions and name',
      workers,
      '31 127.0.0.1 - :\n.\n',
      [{ fd: 31, ip: '127.0.0.1', clientId: undefined, functions: [] }],
    ],
    [
      'a blank before nothing',
      workers,
      '31 127.0.0.1 - : \n.\n',
      [{ fd: 31, ip: '127.0.0.1', clientId: undefined, functions: [] }],
    ],
    [
      'blanks and colons in a name, IPv6',
      workers,
      '31 ::1 my own: id : f g\n.\n',
      [{ fd: 31, ip: '::1', clientId: 'my own: id', functions: ['f', 'g'] }],
    ],
    ['empty uniques', uniques, '\n\nu\n.\n', ['', '', 'u']],
    ['a unique that reads like an error', uniques, 'ERR IN MY SYSTEM\n.\n', ['ERR IN MY SYSTEM']],
  ]
  for (const [name, call, answer, expected] of rows) {
    it(name, async () => {
      await using server = await answering(answer)
      await using admin = await Admin.connect(server.address)
      assert.deepEqual(await call(admin), expected)
    })
  }

  const refusals: readonly [string, (admin: Admin) => Promise<unknown>, string, string, string][] = [
    [
      'a command for rows that is not known',
      status,
      'ERR UNKNOWN_COMMAND Unknown+server+commandstatus\r\n',
      'UNKNOWN_COMMAND',
      'UNKNOWN_COMMAND: Unknown server commandstatus',
    ],
    [
      'a code alone',
      (admin) => admin.version(),
      'ERR UNKNOWN_ERROR\r\n',
      'UNKNOWN_ERROR',
      'UNKNOWN_ERROR: UNKNOWN_ERROR',
    ],
    ['text without a code', (admin) => admin.version(), 'ERR not now\r\n', '', 'not now'],
  ]
  for (const [name, call, answer, serverCode, message] of refusals) {
    it(name, async () => {
      await using server = await answering(answer)
      await using admin = await Admin.connect(server.address)
      await assert.rejects(call(admin), { code: 'SERVER_ERROR', serverCode, message })
    })
  }

  for (const [name, call, answer] of [
    ['a row that is none', status, 'hello\n.\n'],
    ['a row of text', status, 'f\tone\ttwo\tthree\n.\n'],
    ['a worker that is none', workers, 'hello\n.\n'],
    ['neither OK nor ERR', (admin: Admin) => admin.version(), '1.1.20\n'],
    ['more than was asked for', (admin: Admin) => admin.version(), 'hello\nOK 1\n'],
  ] as const) {
    it(`${name} ends the connection`, async () => {
      await using server = await answering(answer)
      await using admin = await Admin.connect(server.address)
      await assert.rejects(call(admin), (error) => {
        assert.ok(error instanceof Error && error.cause instanceof ProtocolError)
        return true
      })
      await assert.rejects(admin.version(), { code: 'CONNECTION_LOST' })
    })
  }
})

function answering(answer: string): Promise<FakeServer> {
  return FakeServer.start((socket) => {
    socket.once('data', () => socket.write(answer))
  })
}
