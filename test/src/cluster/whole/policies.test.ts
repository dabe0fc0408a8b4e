import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { Client, ServerError } from '@geartrain/client'
import { eventually } from '../../support/postgres/eventually.ts'
import { type Member, sharedFleet } from './fleet.ts'
import { Hands, startWorker } from './hands.ts'

// What is set at one server holds at the other.

const fleet = sharedFleet()

/** A change at one server holds at all within about a second. */
async function untilSet(member: Member, name: string, key: string, value: string): Promise<void> {
  await eventually(`${key} of ${name} is ${value} at ${member.name}`, async () => {
    const shown = await member.json<{ readonly settings: readonly { readonly key: string; readonly value: string }[] }>(
      `/api/functions/${name}`,
    )
    return shown.settings.some((setting) => setting.key === key && setting.value === value) || undefined
  })
}

async function isRefused(submission: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(submission, (error) => error instanceof ServerError && error.serverCode === code)
}

suite('policies of a cluster', { skip: fleet.skip }, () => {
  test('attempts and back-off', async () => {
    const { a, b } = await fleet.pair()
    await a.tell(['function', 'set', 'flaky', '--attempts', '3', '--backoff-first', '50ms'])
    await untilSet(b, 'flaky', 'attempts', '3')
    await using client = await Client.connect(b.address)
    let attempts = 0
    await using _worker = await startWorker(b, 'flaky', () => {
      attempts++
      throw new Error(`attempt ${attempts}`)
    })
    const handle = await client.submitBackground('flaky', '')
    await eventually('it is dead', async () => {
      const { state } = await a.json<{ state: string }>(`/api/jobs/${handle}`)
      return state === 'dead' || undefined
    })
    assert.equal(attempts, 3)
    const { failures } = await a.json<{ failures: readonly unknown[] }>(`/api/jobs/${handle}`)
    assert.equal(failures.length, 3)
  })

  test('attempts go on at the other server', async () => {
    const { a, b } = await fleet.pair()
    await using client = await Client.connect(a.address)
    const policy = { attempts: 3, backoffFirstMs: 10 }
    const handle = await client.submitBackground('moving', '', { policy })
    const first = await Hands.at(a, 'moving')
    ;(await first.next()).fail(new Error('at the first'))
    await first[Symbol.asyncDispose]()
    await using second = await Hands.at(b, 'moving')
    ;(await second.next()).fail(new Error('at the second'))
    ;(await second.next()).fail(new Error('at the second again'))
    const { failures } = await eventually('it is dead', async () => {
      const view = await a.json<{ state: string; failures: readonly unknown[] }>(`/api/jobs/${handle}`)
      return view.state === 'dead' ? view : undefined
    })
    assert.equal(failures.length, 3)
  })

  test('pause and resume', async () => {
    const { a, b } = await fleet.pair()
    await using client = await Client.connect(b.address)
    const done: string[] = []
    await using worker = await startWorker(b, 'paused', () => void done.push('paused'))
    worker.handle('not-paused', () => void done.push('not paused'))
    await a.tell(['function', 'pause', 'paused'])
    await untilSet(b, 'paused', 'paused', 'true')
    await client.submitBackground('paused', '')
    await client.submitBackground('not-paused', '')
    await eventually('the other one is done', () => done.includes('not paused') || undefined)
    assert.deepEqual(done, ['not paused'])
    assert.match(await b.tell(['function', 'list', 'paused']), /paused/)
    await a.tell(['function', 'resume', 'paused'])
    await eventually('it is done', () => done.includes('paused') || undefined)
  })

  test('drain, and the limits of a queue', async () => {
    const { a, b } = await fleet.pair()
    await using client = await Client.connect(a.address)
    await using other = await Client.connect(b.address)
    await b.tell(['function', 'drain', 'drained'])
    await untilSet(a, 'drained', 'draining', 'true')
    await assert.rejects(client.submitBackground('drained', ''), ServerError)
    await b.tell(['function', 'undrain', 'drained'])
    await untilSet(a, 'drained', 'draining', 'false').catch(() => {})

    await a.tell(['function', 'set', 'bounded', '--max-queue', '3'])
    await untilSet(b, 'bounded', 'max-queue', '3')
    await client.submitBackground('bounded', '1')
    await client.submitBackground('bounded', '2')
    await other.submitBackground('bounded', '3')
    await eventually('both count three', async () => {
      for (const member of [a, b]) {
        const { count } = await member.json<{ count: number }>('/api/jobs/count?function=bounded')
        if (count !== 3) return undefined
      }
      return true
    })
    await isRefused(other.submitBackground('bounded', '4'), 'QUEUE_ERROR')
    await isRefused(client.submitBackground('bounded', '4'), 'QUEUE_ERROR')
  })

  for (const limit of [1, 4]) {
    test(`concurrency ${limit}, with jobs and workers at both servers`, async () => {
      const { a, b } = await fleet.pair()
      const name = `limited-${limit}`
      await a.tell(['function', 'set', name, '--concurrency', `${limit}`])
      await untilSet(b, name, 'concurrency', `${limit}`)
      const jobs = 200
      let running = 0
      let runningMax = 0
      const done = new Set<string>()
      const handler = async (job: { text(): string }) => {
        runningMax = Math.max(runningMax, ++running)
        // The work: long enough for others to come meanwhile, if they may.
        await setTimeout(10)
        running--
        assert.ok(!done.has(job.text()), `${job.text()} was done twice`)
        done.add(job.text())
      }
      await using _first = await startWorker(a, name, handler)
      await using _second = await startWorker(b, name, handler)
      await using client = await Client.connect(a.address)
      await using other = await Client.connect(b.address)
      await Promise.all(
        Array.from({ length: jobs }, (_, index) =>
          (index % 2 === 0 ? client : other).submitBackground(name, `${index}`),
        ),
      )
      await eventually(`all ${jobs} jobs are done`, () => done.size === jobs || undefined)
      assert.ok(runningMax <= limit, `${runningMax} ran at a time`)
    })
  }

  test('a rate, with jobs and workers at both servers', async () => {
    const { a, b } = await fleet.pair()
    await a.tell(['function', 'set', 'rated', '--rate', '10', '--rate-burst', '5'])
    await untilSet(b, 'rated', 'rate-burst', '5')
    const begun: number[] = []
    await using _first = await startWorker(a, 'rated', () => void begun.push(performance.now()))
    await using _second = await startWorker(b, 'rated', () => void begun.push(performance.now()))
    await using client = await Client.connect(a.address)
    await using other = await Client.connect(b.address)
    const startMs = performance.now()
    const jobs = 35
    for (let index = 0; index < jobs; index++) {
      await (index % 2 === 0 ? client : other).submitBackground('rated', `${index}`)
    }
    await eventually('all are done', () => begun.length === jobs || undefined)
    // However late they come, the last one can't come earlier than that.
    const leastMs = ((jobs - 5) / 10) * 1000
    const tookMs = (begun.at(-1) ?? 0) - startMs
    assert.ok(tookMs >= leastMs - 100, `${jobs} jobs were begun within ${tookMs} ms`)
  })
})
