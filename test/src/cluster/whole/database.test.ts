import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Client, ServerError } from '@geartrain/client'
import { eventually } from '../../support/postgres/eventually.ts'
import { PostgresProcess } from '../../support/postgres/postgres-process.ts'
import { sharedPostgres } from '../../support/postgres/shared-postgres.ts'
import { startPair } from './fleet.ts'
import { Hands, startWorker } from './hands.ts'
import { Traffic, untilReadyz } from './traffic.ts'

// What becomes of a cluster when its database goes away.

const { skip } = sharedPostgres()
const flags = ['--lease', '3s']

suite('the database of a cluster', { skip, concurrency: 2 }, () => {
  test('killed and started again under traffic', async () => {
    await using database = await PostgresProcess.start()
    await using pair = await startPair(database, { flags })
    const { a, b } = pair
    const done = new Map<string, number>()
    const handler = (job: { text(): string }) => void done.set(job.text(), (done.get(job.text()) ?? 0) + 1)
    await using _worker = await startWorker([a, b], 'f', handler)
    await using _waits = await startWorker(a, 'foreground', () => 'done meanwhile')
    await using traffic = new Traffic([a, b], 'f')
    await eventually('some are done', () => done.size >= 50 || undefined)
    assert.deepEqual(traffic.refusals, [])
    await database.kill()

    for (const member of [a, b]) {
      const problem = JSON.parse(await untilReadyz(member, 503)) as { readonly reasons: readonly { code: string }[] }
      assert.deepEqual(
        problem.reasons.map(({ code }) => code),
        ['STORE_FAILED'],
      )
      assert.equal((await member.http('/healthz')).status, 200)
    }
    // Foreground jobs need no database.
    await using client = await Client.connect(a.address)
    assert.equal(await client.submit('foreground', '').text(), 'done meanwhile')
    // Those whose commit broke off are not answered before somebody knows what became of it. Others are refused.
    await assert.rejects(client.submitBackground('f', 'refused'), (error) => {
      return error instanceof ServerError && error.serverCode === 'QUEUE_ERROR'
    })
    const { status } = await b.http('/api/functions/f/jobs', { method: 'POST', body: 'refused' })
    assert.equal(status, 503)

    await database.startAgain()
    const before = traffic.acknowledged.size
    await eventually('submissions are taken again', () => traffic.acknowledged.size > before + 50 || undefined)
    await traffic.stop()
    await eventually('all that was acknowledged is done', () => {
      return [...traffic.acknowledged].every((workload) => done.has(workload)) || undefined
    })
    assert.ok(!done.has('refused'))
    assert.deepEqual(
      traffic.refusals.filter((code) => code !== 'QUEUE_ERROR'),
      [],
    )
    for (const member of [a, b]) await untilReadyz(member, 200)
    for (const { command } of [a, b]) assert.ok(!command.hasEnded)
  })

  test('a job that ends while the database is away has ended, and is not done again', async () => {
    await using database = await PostgresProcess.start()
    await using pair = await startPair(database, { flags: ['--lease', '1m'] })
    const { a, b } = pair
    await using client = await Client.connect(a.address)
    const handle = await client.submitBackground('f', '', { policy: { keepResultsMs: 3_600_000 } })
    await using hands = await Hands.at(a, 'f')
    const { finish } = await hands.next()
    await database.kill()
    await untilReadyz(a, 503)
    finish('while nobody could write it')
    await database.startAgain()
    const result = async () => {
      const { status, text } = await b.http(`/api/jobs/${handle}/result`)
      return status === 200 ? text : undefined
    }
    assert.equal(await eventually('its result is written', result), 'while nobody could write it')
    assert.equal(hands.jobs.length, 1)
  })
})
