import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Finding } from '@geartrain/protocol'
import { hashToken, type Role } from '@geartrain/server'
import { EventStage } from '../http/event-stage.ts'
import { apiOf } from '../http/local-http.ts'
import { FakeStore } from '../support/fake-store.ts'
import { PACKET } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { ask, brief, grab, hour, minute, second, work } from './asking.ts'

describe('GET /api/findings', () => {
  for (const [what, store] of [
    ['in memory', () => 'memory'],
    ['on disk alone', () => new FakeStore()],
  ] as const) {
    it(`tells of jobs ${what} without a worker, not at once and not when one comes back`, async () => {
      await using stage = await EventStage.open({ store: store() })
      const api = await apiOf(stage.local)
      const since = stage.clock.wallNow()
      await stage.submit('resize', 'resize')
      stage.clock.advance(10 * second)
      assert.deepEqual(await ask(api), [])
      stage.clock.advance(second)
      const [finding] = await ask(api)
      assert.deepEqual([finding?.kind, finding?.function, finding?.count], ['no worker', 'resize', 2])
      assert.equal(finding?.since, since)
      const worker = await work(stage, 'resize')
      await grab(worker)
      stage.clock.advance(6 * second)
      assert.deepEqual(await ask(api), [])
      worker.destroy()
      await until('the worker was gone', () => stage.local.server.engine.findFunction('resize')?.workerCount === 0)
      const leftAt = stage.clock.wallNow()
      stage.clock.advance(10 * second)
      assert.deepEqual(await ask(api), [])
      stage.clock.advance(second)
      assert.equal((await ask(api))[0]?.since, leftAt)
    })
  }

  it('tells of a wait that a policy is the reason of', async () => {
    await using stage = await EventStage.open({ functions: { resize: { concurrency: 1 } } })
    const api = await apiOf(stage.local)
    const worker = await work(stage, 'resize')
    await stage.submit('resize', 'resize')
    await grab(worker)
    stage.clock.advance(5 * minute)
    assert.deepEqual(await ask(api), [])
    stage.clock.advance(second)
    const [finding] = await ask(api)
    assert.deepEqual(brief(finding === undefined ? [] : [finding]), [['long wait', 'resize', 1]])
    assert.match(finding?.advice ?? '', /concurrency lets 1 job at a time/)
  })

  it('tells of a wait by what is set', async () => {
    await using stage = await EventStage.open({ warnWaitMs: 20 * second })
    const api = await apiOf(stage.local)
    await work(stage, 'resize')
    await stage.submit('resize')
    stage.clock.advance(20 * second)
    assert.deepEqual(await ask(api), [])
    stage.clock.advance(second)
    assert.deepEqual(brief(await ask(api)), [['long wait', 'resize', 1]])
  })

  it('tells of functions that are paused, and no longer when they are resumed', async () => {
    await using stage = await EventStage.open()
    const api = await apiOf(stage.local)
    await stage.submit('resize')
    await api.json('pauseFunction', { params: { name: 'resize' } })
    assert.deepEqual(brief(await ask(api)), [['paused', 'resize', 1]])
    await api.json('resumeFunction', { params: { name: 'resize' } })
    stage.clock.advance(second)
    assert.deepEqual(await ask(api), [])
  })

  it('tells of attempts that fail', async () => {
    await using stage = await EventStage.open({ functions: { resize: { attempts: 2 } } })
    const api = await apiOf(stage.local)
    const worker = await work(stage, 'resize')
    const fail = async (type: number) => {
      await stage.submit('resize')
      worker.send(type, await grab(worker), 'no')
      await worker.sync()
    }
    for (let count = 0; count < 4; count++) await fail(PACKET.WORK_EXCEPTION)
    // The second that is not over does not count yet.
    stage.clock.advance(second)
    assert.deepEqual(await ask(api), [])
    await fail(PACKET.WORK_EXCEPTION)
    for (let count = 0; count < 2; count++) await fail(PACKET.WORK_COMPLETE)
    stage.clock.advance(second)
    const [finding] = await ask(api)
    assert.equal(finding?.title, 'resize: 5 of 7 attempts failed in the last minute (71.4 %)')
    assert.equal(finding?.severity, 'warning')
  })

  it('tells of jobs that run for too long', async () => {
    await using stage = await EventStage.open()
    const api = await apiOf(stage.local)
    const workers = [await work(stage, 'resize'), await work(stage, 'resize')]
    await stage.submit('resize', 'resize')
    const handles: string[] = []
    for (const worker of workers) handles.push(await grab(worker))
    stage.clock.advance(hour)
    assert.deepEqual(await ask(api), [])
    stage.clock.advance(5 * second)
    const [finding] = await ask(api)
    assert.deepEqual([finding?.kind, finding?.count, finding?.handle], ['stuck', 2, handles[0]])
    for (const worker of workers) worker.destroy()
  })

  it('tells of jobs that run for long where others do not', async () => {
    await using stage = await EventStage.open()
    const api = await apiOf(stage.local)
    const worker = await work(stage, 'resize')
    for (let count = 0; count < 20; count++) {
      await stage.submit('resize')
      worker.send(PACKET.WORK_COMPLETE, await grab(worker), 'yes')
      await worker.sync()
    }
    await stage.submit('resize')
    const handle = await grab(worker)
    stage.clock.advance(5 * minute)
    assert.deepEqual(await ask(api), [])
    stage.clock.advance(5 * second)
    const [finding] = await ask(api)
    assert.equal(finding?.handle, handle)
    assert.match(finding?.advice ?? '', /^95 of 100 of its jobs take \d+ ms at most/)
    worker.send(PACKET.WORK_COMPLETE, handle, 'yes')
    await worker.sync()
    stage.clock.advance(5 * second)
    assert.deepEqual(brief(await ask(api)), [])
  })

  it('tells of a store that does not answer, without waiting for it for long', async () => {
    const store = new FakeStore()
    await using stage = await EventStage.open({ store })
    const api = await apiOf(stage.local)
    store.isAuto = false
    const client = await stage.local.connect('client')
    client.send(PACKET.SUBMIT_JOB_BG, 'resize', '', 'x')
    await until('the store is at work', () => store.isBusy)
    stage.clock.advance(20 * second)
    const found: Finding[][] = []
    void ask(api).then((findings) => found.push(findings))
    await until('it was answered', () => {
      stage.clock.advance(1)
      return found.length > 0
    })
    const slow = found[0]?.find(({ kind }) => kind === 'store slow')
    assert.equal(slow?.severity, 'critical')
    store.isAuto = true
    store.finish()
    await client.receive('JOB_CREATED')
  })

  it('tells each what they may view, and everyone that the store fails', async () => {
    const store = new FakeStore()
    const rule = (token: string, functions: string, role: Role = 'view') => {
      return { token: hashToken(token), roles: role, functions }
    }
    await using stage = await EventStage.open({
      store,
      access: {
        mail: rule('mail', 'mail.*'),
        all: rule('all', '*'),
        ci: rule('ci', '*', 'submit'),
        gearman: { network: '127.0.0.1', roles: ['submit', 'work'] as const },
      },
    })
    const api = await apiOf(stage.local)
    await stage.submit('mail.send', 'resize')
    stage.clock.advance(11 * second)
    const names = async (token: string) => (await ask(api, token)).map(({ function: name }) => name)
    assert.deepEqual(await names('all'), ['mail.send', 'resize'])
    assert.deepEqual(await names('mail'), ['mail.send'])
    const client = await stage.local.connect('client')
    store.failNext('full')
    client.send(PACKET.SUBMIT_JOB_BG, 'resize', '', 'x')
    await client.receive('ERROR')
    // It has been looked already at this second.
    stage.clock.advance(second)
    assert.deepEqual(await names('all'), [undefined, 'mail.send', 'resize'])
    const [ofMail] = await ask(api, 'mail')
    assert.equal(ofMail?.kind, 'store failing')
    assert.doesNotMatch(JSON.stringify(ofMail), /SQLITE|fake|disk/i)
    assert.match(JSON.stringify((await ask(api, 'all'))[0]), /SQLITE_FULL/)
    for (const [token, status] of [
      ['ci', 403],
      ['', 401],
    ] as const) {
      const headers: Record<string, string> = token === '' ? {} : { authorization: `Bearer ${token}` }
      assert.equal((await api.call('listFindings', { headers })).status, status)
    }
  })

  it('looks at most once a second, and leaves nothing behind', async () => {
    await using stage = await EventStage.open()
    const api = await apiOf(stage.local)
    await api.json('pauseFunction', { params: { name: 'resize' } })
    await stage.submit('resize')
    const timers = stage.clock.timerCount
    assert.deepEqual(brief(await ask(api)), [['paused', 'resize', 1]])
    await stage.submit('resize')
    assert.deepEqual(brief(await ask(api)), [['paused', 'resize', 1]])
    stage.clock.advance(second)
    assert.deepEqual(brief(await ask(api)), [['paused', 'resize', 2]])
    assert.equal(stage.clock.timerCount, timers)
  })

  it('tells of 100 at most, the worst ones', async () => {
    await using stage = await EventStage.open()
    const api = await apiOf(stage.local)
    const names = Array.from({ length: 100 }, (_, index) => `f${index}`)
    await stage.submit(...names)
    stage.clock.advance(11 * second)
    assert.equal((await ask(api)).length, 100)
    await stage.submit(...Array.from({ length: 10 }, () => 'worst'))
    stage.clock.advance(11 * second)
    const found = await ask(api)
    assert.equal(found.length, 100)
    assert.equal(found[0]?.function, 'worst')
  })

  it('takes any name', async () => {
    await using stage = await EventStage.open()
    const api = await apiOf(stage.local)
    const wire = '<b>\x1b[2J\n\'"*\xff'
    await stage.submit(wire)
    stage.clock.advance(11 * second)
    const [finding] = await ask(api)
    assert.equal(finding?.function, '<b>\x1b[2J\n\'"*\uf7ff')
    assert.equal(finding?.title, '<b>\ufffd[2J\ufffd\'"*\ufffd has 1 job and no worker')
  })
})
