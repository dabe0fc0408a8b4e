import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { ScheduleRun } from '@geartrain/protocol'
import { until } from '../support/until.ts'
import { type Member, TwoServers } from './two-servers.ts'

const every = { name: 's', function: 'f', every: '10s' }

/** So many seconds, one after the other. */
async function pass(servers: TwoServers, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) await servers.beat()
}

async function runs(servers: TwoServers, member: Member): Promise<readonly ScheduleRun[]> {
  return (await servers.ask(member, 'schedule show', { name: 's' })).history
}

/** Each time has one run. */
function assertOnce(history: readonly ScheduleRun[]): void {
  const times = history.map(({ dueAt }) => dueAt)
  assert.equal(new Set(times).size, times.length, times.join())
}

suite('schedules of several servers', () => {
  test('one that is put at another server is fired by the leader, once', async () => {
    await using servers = await TwoServers.start()
    const { a, b } = servers
    await servers.ask(b, 'schedule put', every)
    await pass(servers, 35)
    assert.equal(servers.disk.jobs.length, 3)
    assert.equal(servers.disk.leader, 'A')
    await pass(servers, 1)
    assert.deepEqual(await runs(servers, b), await runs(servers, a), 'both tell the same of it')
    assertOnce(await runs(servers, b))
  })

  test('a change at another server and the progress do not undo one another', async () => {
    await using servers = await TwoServers.start()
    const { a, b } = servers
    await servers.ask(a, 'schedule put', every)
    await pass(servers, 12)
    assert.equal(servers.disk.jobs.length, 1)
    await servers.ask(b, 'schedule pause', { name: 's' })
    await pass(servers, 20)
    assert.equal(servers.disk.jobs.length, 1)
    assert.equal((await servers.ask(a, 'schedule show', { name: 's' })).paused, true)
    await servers.ask(b, 'schedule resume', { name: 's' })
    await pass(servers, 12)
    assert.equal(servers.disk.jobs.length, 2)
    await servers.ask(b, 'schedule remove', { name: 's' })
    await pass(servers, 12)
    assert.equal(servers.disk.jobs.length, 2)
    for (const kind of ['schedule', 'schedule progress', 'schedule run']) {
      assert.deepEqual(servers.disk.documents(kind), [], kind)
    }
  })

  test('one that is fired just when another server removes it leaves nothing behind', async () => {
    await using servers = await TwoServers.start()
    const { a, b } = servers
    await servers.ask(a, 'schedule put', every)
    await pass(servers, 9)
    await servers.ask(b, 'schedule remove', { name: 's' })
    servers.clock.advance(1000)
    await servers.settle()
    assert.equal(servers.disk.jobs.length, 1, 'the leader has not heard of it')
    assert.equal(servers.disk.documents('schedule progress').length, 1)
    await pass(servers, 12)
    assert.equal(servers.disk.jobs.length, 1)
    for (const kind of ['schedule', 'schedule progress']) assert.deepEqual(servers.disk.documents(kind), [], kind)
  })

  test('one that is said again with what another server knew does not fire twice', async () => {
    await using servers = await TwoServers.start()
    const { a, b } = servers
    await servers.ask(a, 'schedule put', every)
    await pass(servers, 9)
    // A fires, and B has not heard of it.
    servers.clock.advance(1000)
    await servers.settle()
    assert.equal(servers.disk.jobs.length, 1)
    await servers.ask(b, 'schedule put', every)
    await pass(servers, 3)
    assert.equal(servers.disk.jobs.length, 1)
    assertOnce(await runs(servers, a))
  })

  test('a run that another server is asked for is in the history of all', async () => {
    await using servers = await TwoServers.start()
    const { a, b } = servers
    await servers.ask(a, 'schedule put', every)
    await servers.beat()
    const { handle } = await servers.ask(b, 'schedule run', { name: 's' })
    assert.match(handle, /^H:B:/)
    await pass(servers, 3)
    for (const member of [a, b])
      assert.deepEqual(
        (await runs(servers, member)).map((run) => run.handle),
        [handle],
      )
    assert.deepEqual(servers.disk.documents('schedule run'), [], 'it is in the progress')
    assert.equal(servers.disk.jobs.length, 1)
  })

  test('when the leader is gone another one goes on, and each time comes once', async () => {
    await using servers = await TwoServers.start()
    const { a, b } = servers
    await servers.ask(a, 'schedule put', every)
    await pass(servers, 12)
    a.store.isCut = true
    a.store.lose(false)
    await pass(servers, 5)
    assert.equal(servers.disk.leader, 'A', 'its lease lasts')
    // Time goes on, and the time that comes is nobody's as yet.
    servers.clock.advance(8000)
    a.store.expire()
    await servers.beat()
    assert.equal(servers.disk.leader, 'B')
    await pass(servers, 2)
    assert.equal(servers.disk.jobs.length, 2, 'what came between is made up for')

    a.store.isCut = false
    servers.clock.advance(1000)
    await servers.settle()
    // It is back, and has not heard yet who leads.
    servers.clock.advance(5000)
    await servers.settle()
    await servers.beat()
    assert.equal(servers.disk.leader, 'B')
    assert.equal(servers.disk.jobs.length, 3)
    assertOnce(await runs(servers, b))
    assert.deepEqual(await runs(servers, a), await runs(servers, b))
  })

  for (const isKept of [true, false]) {
    test(`a leader that is lost in the middle of it, which was ${isKept ? '' : 'not '}kept`, async () => {
      await using servers = await TwoServers.start()
      const { a, b } = servers
      await servers.ask(a, 'schedule put', every)
      await pass(servers, 9)
      a.store.isCut = true
      servers.clock.advance(1000)
      await until('the job was on its way to the store', () => a.local.server.isStoreBusy)
      a.store.lose(isKept)
      a.store.expire()
      await pass(servers, 2)
      assert.equal(servers.disk.leader, 'B')
      assert.equal(servers.disk.jobs.length, 1)
      await pass(servers, 10)
      assert.equal(servers.disk.jobs.length, 2)
      const before = await runs(servers, b)
      a.store.isCut = false
      await pass(servers, 5)
      assert.equal(servers.disk.jobs.length, 2, 'the first one does not do it once more')
      assertOnce(before)
      for (const member of [a, b]) assert.deepEqual(await runs(servers, member), before)
    })
  }

  test('what was changed while a server was cut off', async () => {
    await using servers = await TwoServers.start()
    const { a, b } = servers
    await servers.ask(a, 'schedule put', every)
    await servers.beat()
    b.store.isCut = true
    b.store.lose(false)
    await servers.ask(a, 'schedule put', { ...every, name: 'other' })
    await servers.ask(a, 'schedule remove', { name: 's' })
    b.store.news.documents.length = 0
    b.store.isCut = false
    servers.clock.advance(1000)
    await servers.settle()
    const { schedules } = await servers.ask(b, 'schedules', {})
    assert.deepEqual(
      schedules.map(({ name }) => name),
      ['other'],
    )
  })
})
