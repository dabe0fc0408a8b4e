import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Client, ServerError } from '@geartrain/client'
import { eventually } from '../../support/postgres/eventually.ts'
import { PostgresProcess } from '../../support/postgres/postgres-process.ts'
import { sharedPostgres } from '../../support/postgres/shared-postgres.ts'
import { TcpProxy } from '../../support/tcp-proxy.ts'
import { Member, startPair } from './fleet.ts'
import { startWorker } from './hands.ts'
import { Traffic, untilReadyz } from './traffic.ts'

// A cluster whose database fails over, or takes no writes for a while.

const { skip } = sharedPostgres()
const flags = ['--lease', '3s']

suite('the database of a cluster takes no writes', { skip, concurrency: 2 }, () => {
  for (const way of ['is killed', 'vanishes without a word']) {
    test(`its machine ${way}, and it fails over to a synchronous standby: nothing that was acknowledged is lost`, async () => {
      await using primary = await PostgresProcess.start()
      const { name } = await primary.createDatabase()
      await using standby = await primary.addStandby({ name: 'standby', synchronous: true })
      await using proxy = await TcpProxy.to(primary.port)
      const hosts = [`127.0.0.1:${proxy.port}`, `127.0.0.1:${standby.port}`]
      // Whoever waits for one that is gone before the next one is asked waits for longer than this test may take.
      const toUrl = (list: readonly string[]) => `postgres://postgres@${list.join(',')}/${name}?connect_timeout=86400`
      await using a = await Member.start('one', toUrl(hosts), { flags })
      // The order of the hosts says nothing: a standby is no place for a queue.
      await using b = await Member.start('two', toUrl(hosts.toReversed()), { flags })
      const done = new Set<string>()
      await using _worker = await startWorker([a, b], 'f', (job) => void done.add(job.text()))
      await using traffic = new Traffic([a, b], 'f')
      await eventually('some are done', () => done.size >= 50 || undefined)
      if (way === 'is killed') await primary.kill()
      else proxy.cut()
      await standby.promote()
      const before = traffic.acknowledged.size
      await eventually('submissions are taken again', () => traffic.acknowledged.size > before + 50 || undefined)
      await traffic.stop()
      await eventually('all that was acknowledged is done', () => {
        return [...traffic.acknowledged].every((workload) => done.has(workload)) || undefined
      })
      for (const member of [a, b]) await untilReadyz(member, 200)
    })
  }

  test('the primary stops taking writes and takes them again', async () => {
    await using database = await PostgresProcess.start()
    await using pair = await startPair(database, { flags })
    const { a } = pair
    await using client = await Client.connect(a.address)
    await client.submitBackground('f', 'before')
    await database.query('ALTER SYSTEM SET default_transaction_read_only = on')
    await database.query('SELECT pg_reload_conf()')
    const refused = await eventually('submissions are refused', async () => {
      return client.submitBackground('f', 'meanwhile').then(
        () => undefined,
        (error: unknown) => error,
      )
    })
    assert.ok(refused instanceof ServerError && refused.serverCode === 'QUEUE_ERROR', String(refused))
    await untilReadyz(a, 503)
    const session = await database.connect()
    await session.query('SET default_transaction_read_only = off')
    await session.query('ALTER SYSTEM RESET default_transaction_read_only')
    await session.end()
    await database.query('SELECT pg_reload_conf()')
    await eventually('submissions are taken again', async () => {
      return client.submitBackground('f', 'after').then(
        () => true,
        () => undefined,
      )
    })
    await untilReadyz(a, 200)
  })
})
