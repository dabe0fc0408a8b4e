import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type BackgroundOptions, Client, ServerError, type SubmitOptions, UnsupportedError } from '@geartrain/client'
import { packets } from '@geartrain/protocol'
import { FakeGeartrain } from './fake-geartrain.ts'
import { onOwnServer, type SiteTest } from './site.ts'

// What Gearman's own packets can't say of a job goes in SUBMIT_JOB_WITH, to servers that know it.

const at = new Date(4_000_000_000_001)

describe('options of a job on the wire', () => {
  const background: readonly [string, BackgroundOptions, object][] = [
    ['then', { then: 'après' }, { background: true, then: 'après' }],
    ['a priority for later', { priority: 'high', runAt: at }, { background: true, priority: 'high', runAt: +at }],
    ['a reducer for later', { reducer: 'r', runAt: at }, { background: true, runAt: +at, reducer: 'r' }],
    [
      'a reducer of low priority',
      { reducer: 'r', priority: 'low' },
      { background: true, priority: 'low', reducer: 'r' },
    ],
    [
      'all of a policy',
      {
        policy: {
          attempts: 5,
          retryOn: ['lost', 'timeout'],
          backoff: 'fixed',
          backoffFirstMs: 1.5,
          backoffFactor: 3,
          backoffMaxMs: 60_000,
          backoffJitter: 0.5,
          retryForeground: true,
          timeoutMs: 30_000,
          ttlMs: 1000,
          expireMs: 0,
          keepResultsMs: 3_600_000,
          uniqueForMs: 1,
        },
      },
      {
        background: true,
        policy: {
          attempts: '5',
          'retry-on': 'lost,timeout',
          backoff: 'fixed',
          'backoff-first': '2ms',
          'backoff-factor': '3',
          'backoff-max': '60000ms',
          'backoff-jitter': '0.5',
          'retry-foreground': 'true',
          timeout: '30000ms',
          ttl: '1000ms',
          expire: '0ms',
          'keep-results': '3600000ms',
          'unique-for': '1ms',
        },
      },
    ],
    [
      'words of a policy',
      { policy: { attempts: Number.POSITIVE_INFINITY, retryOn: [] } },
      { background: true, policy: { attempts: 'unlimited', 'retry-on': 'none' } },
    ],
    ['no attempts', { policy: { attempts: 0, ttlMs: undefined } }, { background: true, policy: { attempts: 'off' } }],
  ]
  for (const [name, options, wire] of background) {
    it(name, async () => {
      await using server = await FakeGeartrain.start()
      await using client = new Client(server.address)
      assert.match(await client.submitBackground('é', 'wörk', { unique: 'u', ...options }), /^H:fake:/)
      const [[jobFunction, unique, json = '', trace, workload] = []] = server.extended
      assert.deepEqual([jobFunction, unique, trace, workload], ['é', 'u', '', 'wörk'])
      assert.deepEqual(JSON.parse(json), wire)
    })
  }

  it('a foreground job says nothing of the background', async () => {
    await using server = await FakeGeartrain.start()
    await using client = new Client(server.address)
    await client.submit('f', 'x', { policy: { attempts: 2 } }).created()
    assert.deepEqual(server.extended, [['f', '', '{"policy":{"attempts":"2"}}', '', 'x']])
  })

  it('nothing but Gearman for what Gearman has, and one question for all that it has not', async () => {
    await using server = await FakeGeartrain.start()
    await using client = new Client(server.address)
    const plain: readonly (SubmitOptions & BackgroundOptions)[] = [
      {},
      { priority: 'high', unique: 'u' },
      { reducer: 'r' },
      { runAt: new Date(4_000_000_000_000) },
      { policy: {} },
      { policy: { attempts: undefined }, then: undefined },
    ]
    for (const options of plain) await client.submitBackground('f', '', options)
    assert.deepEqual(server.extended, [])
    const options = () => server.heard.filter(({ type }) => type === packets.OPTION_REQ.type).map(({ parts }) => parts)
    assert.deepEqual(options(), [['exceptions']])
    await Promise.all([1, 2, 3].map(() => client.submitBackground('f', '', { then: 'g' })))
    assert.equal(server.extended.length, 3)
    assert.deepEqual(options(), [['exceptions'], ['cancellation']])
  })

  it('each of many', async () => {
    await using server = await FakeGeartrain.start()
    await using client = new Client(server.address)
    for await (const job of client.submitManyBackground('f', ['a', 'b'], { then: 'g' })) {
      assert.equal(job.status, 'fulfilled')
    }
    assert.deepEqual(
      server.extended.map((parts) => parts.at(-1)),
      ['a', 'b'],
    )
  })
})

describe('options of a job and a server that is none of ours', () => {
  const rows: readonly [string, BackgroundOptions][] = [
    ['a policy', { policy: { attempts: 2 } }],
    ['then', { then: 'g' }],
    ['a priority with a time', { priority: 'low', delayMs: 60_000 }],
    ['then, a priority with a reducer', { then: 'g', priority: 'high', reducer: 'r' }],
  ]
  for (const [needs, options] of rows) {
    it(`${needs}: refused, and the connection is as good as before`, (t) =>
      onOwnServer('gearmand', t, async (site) => {
        const client = await site.client()
        await assert.rejects(client.submitBackground('f', '', options), (error) => {
          assert.ok(error instanceof UnsupportedError, String(error))
          assert.equal(error.code, 'UNSUPPORTED')
          assert.equal(error.retryable, false)
          assert.equal(error.message, `${site.address} is no Geartrain, which it takes for ${needs}`)
          return true
        })
        assert.match(await client.submitBackground('f', ''), /^H:/)
      }))
  }

  it('a foreground job fails like any other', (t) =>
    onOwnServer('gearmand', t, async (site) => {
      const client = await site.client()
      const job = client.submit('f', '', { policy: { attempts: 2 } })
      await assert.rejects(job.created(), UnsupportedError)
      await assert.rejects(job.result(), UnsupportedError)
    }))
})

describe('options of a job and our server', () => {
  const onOurs = (name: string, run: SiteTest): void => {
    it(name, (t) => onOwnServer('ours', t, run))
  }

  onOurs('a priority with a time', async (site) => {
    const client = await site.client()
    const handle = await client.submitBackground('f', '', { priority: 'high', delayMs: 3_600_000 })
    const job = await (await site.admin()).job(handle)
    assert.deepEqual([job?.state, job?.priority], ['delayed', 'high'])
  })

  onOurs('attempts, a kept result, and where it is sent on to', async (site) => {
    const [f, after] = ['mend', 'après']
    const client = await site.client()
    const worker = site.worker()
    let attempts = 0
    worker.handle(f, () => {
      attempts++
      if (attempts < 3) throw new Error('not yet')
      return 'mended'
    })
    const policy = { attempts: 3, backoff: 'fixed', backoffFirstMs: 0, keepResultsMs: 60_000 } as const
    const handle = await client.submitBackground(f, '', { policy, then: after })
    const sentOn = new Promise<string>((resolve) => worker.handle(after, (job) => resolve(job.text())))
    await worker.start()
    assert.equal(await sentOn, 'mended')
    assert.equal(attempts, 3)
    const job = await (await site.admin()).job(handle)
    assert.equal(job?.state, 'complete')
  })

  onOurs('a policy that can not be is refused, and the connection is as good as before', async (site) => {
    const client = await site.client()
    await assert.rejects(client.submitBackground('f', '', { policy: { attempts: -1 } }), ServerError)
    assert.match(await client.submitBackground('f', ''), /^H:/)
  })
})
