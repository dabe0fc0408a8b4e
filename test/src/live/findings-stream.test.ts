import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Finding } from '@geartrain/protocol'
import { hashToken } from '@geartrain/server'
import type { EventReader } from '../http/event-reader.ts'
import { EventStage } from '../http/event-stage.ts'
import { apiOf } from '../http/local-http.ts'
import { ask, brief, grab, minute, second, told, work } from './asking.ts'

describe('findings of /api/events', () => {
  async function next(reader: EventReader, event: 'snapshot' | 'counters'): Promise<Finding[] | undefined> {
    const data = await reader.named(event)
    return typeof data === 'object' && data !== null && 'findings' in data ? told(data) : undefined
  }

  it('are in the snapshot, and in counters when they have changed', async () => {
    await using stage = await EventStage.open()
    await stage.submit('a', 'b')
    stage.clock.advance(11 * second)
    const reader = await stage.read()
    const ofB = await stage.read('?function=b&interval=2')
    const first = await next(reader, 'snapshot')
    assert.deepEqual(brief(first ?? []), [
      ['no worker', 'a', 1],
      ['no worker', 'b', 1],
    ])
    assert.deepEqual(brief((await next(ofB, 'snapshot')) ?? []), [['no worker', 'b', 1]])
    stage.tick()
    // A machine that is very busy may have something to add, and to take back.
    assert.deepEqual((await next(reader, 'counters')) ?? first, first)
    await stage.submit('b')
    stage.tick()
    const changed = [
      ['no worker', 'a', 1],
      ['no worker', 'b', 2],
    ]
    assert.deepEqual(brief((await next(reader, 'counters')) ?? []), changed)
    assert.deepEqual(brief((await next(ofB, 'counters')) ?? []), [['no worker', 'b', 2]])
    const api = await apiOf(stage.local)
    assert.deepEqual(brief(await ask(api)), changed)
    const worker = await work(stage, 'a', 'b')
    for (let count = 0; count < 3; count++) await grab(worker)
    const seen: unknown[] = []
    for (let count = 0; count < 6; count++) {
      stage.tick()
      const findings = await next(reader, 'counters')
      if (findings !== undefined) seen.push(brief(findings))
    }
    assert.deepEqual(seen.at(-1), [])
    assert.deepEqual(
      seen.filter((each) => JSON.stringify(each) !== JSON.stringify(changed)),
      [[]],
    )
  })

  it('tell that the server is stopping, to those who may view all of it', async () => {
    await using stage = await EventStage.open({
      access: {
        mail: { token: hashToken('mail'), roles: 'view', functions: 'mail.*' },
        all: { token: hashToken('all'), roles: 'view' },
        gearman: { network: '127.0.0.1', roles: ['submit', 'work'] },
      },
    })
    const { worker } = await stage.local.jobInHand()
    const ofAll = await stage.read('', 'all')
    const ofMail = await stage.read('', 'mail')
    assert.deepEqual(await next(ofAll, 'snapshot'), [])
    assert.deepEqual(await next(ofMail, 'snapshot'), [])
    void stage.local.server.close(minute)
    stage.tick()
    assert.deepEqual(brief((await next(ofAll, 'counters')) ?? []), [['stopping', undefined, undefined]])
    assert.equal(await next(ofMail, 'counters'), undefined)
    worker.destroy()
  })
})
