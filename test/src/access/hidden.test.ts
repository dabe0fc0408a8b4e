import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ControlAnswer } from '@geartrain/protocol'
import { scratch } from '../cli/command.ts'
import { CONTROL, Desk, grab } from '../server/desk.ts'
import { PACKET, type RawPeer } from '../support/raw.ts'
import { connectAs, others, rules, showToken, theirs } from './parts.ts'

// What one with a role on `mail.*` alone can not find out of other functions, however it asks.

/** Workers need no token. */
const access = { ...rules, workers: { network: '127.0.0.1', roles: 'work' } } as const

async function open(store?: string): Promise<Desk> {
  const desk = await Desk.open({ access, ...(store === undefined ? {} : { store }) })
  await showToken(desk.peer, 'token-of-all')
  return desk
}

async function ask(peer: RawPeer, request: object): Promise<ControlAnswer<unknown>> {
  peer.send(CONTROL, JSON.stringify(request))
  return JSON.parse((await peer.receive('CONTROL_RES')).body.toString()) as ControlAnswer<unknown>
}

async function answer(peer: RawPeer, request: object): Promise<unknown> {
  const answered = await ask(peer, request)
  assert.ok(answered.ok, JSON.stringify(answered))
  return answered.answer
}

for (const isStored of [false, true]) {
  describe(`where a page ends, ${isStored ? 'with a store' : 'in memory'}`, () => {
    test('says nothing of jobs that are not seen', async () => {
      using directory = scratch()
      await using desk = await open(isStored ? `sqlite:${directory.path('jobs.db')}` : undefined)
      await desk.submit(others, 'w', 'secret')
      await desk.submit(others)
      const peer = await connectAs(desk.local, 'view')
      assert.deepEqual(await answer(peer, { op: 'jobs', limit: 1 }), { jobs: [] })
      assert.deepEqual(await answer(peer, { op: 'jobs', limit: 1, unique: 'secret' }), { jobs: [] })
      await desk.submit(theirs)
      await desk.submit(theirs)
      const first = (await answer(peer, { op: 'jobs', limit: 1 })) as { jobs: unknown[]; next?: string }
      assert.equal(first.jobs.length, 1)
      const rest = (await answer(peer, { op: 'jobs', limit: 5, after: first.next })) as typeof first
      assert.equal(rest.jobs.length, 1)
      assert.equal(rest.next, undefined)
    })

    test('says nothing of dead ones, nor of what is in their errors', async () => {
      using directory = scratch()
      await using desk = await open(isStored ? `sqlite:${directory.path('jobs.db')}` : undefined)
      await desk.bury(others, 'w', 'u', 'password 1234')
      await desk.bury(others)
      const peer = await connectAs(desk.local, 'view')
      for (const error of ['password 1', 'password 2']) {
        assert.deepEqual(await answer(peer, { op: 'jobs', limit: 1, state: 'dead', error }), { jobs: [] })
      }
      assert.deepEqual(await answer(peer, { op: 'dead', limit: 1 }), { jobs: [] })
      assert.deepEqual(await answer(peer, { op: 'dead groups', limit: 1 }), { groups: [], isExact: true })
      const oldest = await desk.bury(theirs)
      const latest = await desk.bury(theirs)
      await desk.bury(others)
      const page = (await answer(peer, { op: 'dead', limit: 1 })) as { jobs: { handle: string }[]; next?: string }
      assert.deepEqual([page.jobs.length, page.jobs[0]?.handle], [1, latest])
      const next = (await answer(peer, { op: 'dead', limit: 1, before: page.next })) as typeof page
      assert.equal(next.jobs[0]?.handle, oldest)
      const { groups } = (await answer(peer, { op: 'dead groups', limit: 1 })) as { groups: { count: number }[] }
      assert.deepEqual(
        groups.map(({ count }) => count),
        [2],
      )
    })
  })
}

test('which other functions a worker has is not found by asking for them', async () => {
  await using desk = await open()
  const worker = await desk.local.connect('worker')
  worker.send(PACKET.CAN_DO, theirs)
  worker.send(PACKET.CAN_DO, others)
  await worker.sync()
  const peer = await connectAs(desk.local, 'view')
  const count = async (name: string) => {
    const found = (await answer(peer, { op: 'connections', function: name })) as { connections: unknown[] }
    return found.connections.length
  }
  assert.deepEqual([await count(theirs), await count(others), await count('o*')], [1, 0, 0])
})

test('what the server counts of functions is of those that are seen', async () => {
  await using desk = await open()
  for (const name of [theirs, others, 'third']) {
    await desk.submit(name)
    await desk.ask('schedule put', { name: `of ${name}`, function: name, every: '1h' })
    const worker = await desk.local.connect('worker')
    worker.send(PACKET.CAN_DO, name)
    await worker.sync()
  }
  const peer = await connectAs(desk.local, 'view')
  const counts = async (of: RawPeer) => {
    const { functions, workers, schedules, jobs } = (await answer(of, { op: 'server show' })) as {
      functions: number
      workers: number
      schedules: number
      jobs: { ready: number }
    }
    return [functions, workers, schedules, jobs.ready]
  }
  assert.deepEqual(await counts(peer), [1, 1, 1, 1])
  assert.deepEqual(await counts(desk.peer), [3, 3, 3, 3])
})

describe('a job of another function is as one that is not there', () => {
  for (const op of ['job cancel', 'job run', 'job delete', 'job show'] as const) {
    test(op, async () => {
      await using desk = await open()
      const handle = await desk.submit(others)
      const peer = await connectAs(desk.local, 'operate')
      const there = await ask(peer, { op, handle })
      await desk.ask('job delete', { handle })
      assert.deepEqual(there, await ask(peer, { op, handle }))
      assert.ok(!there.ok && there.error.code === 'NOT_FOUND')
    })
  }

  test('by its unique, beside one of theirs', async () => {
    await using desk = await open()
    const handle = await desk.submit(theirs, '', 'same')
    await desk.submit(others, '', 'same')
    await desk.submit(others, '', 'hers')
    const peer = await connectAs(desk.local, 'submit')
    assert.equal(((await answer(peer, { op: 'job show', unique: 'same' })) as { handle: string }).handle, handle)
    const hers = await ask(peer, { op: 'job show', unique: 'hers' })
    const nobodys = await ask(peer, { op: 'job show', unique: 'hors' })
    assert.equal(JSON.stringify(hers).replace('hers', 'hors'), JSON.stringify(nobodys))
  })

  test('to GET_STATUS and GET_STATUS_UNIQUE', async () => {
    await using desk = await open()
    const mine = await desk.submit(theirs, '', 'same')
    const hers = await desk.submit(others, '', 'same')
    await desk.submit(others, '', 'hers')
    const peer = await connectAs(desk.local, 'submit')
    const known = async (type: number, text: string, answer: 'STATUS_RES' | 'STATUS_RES_UNIQUE') => {
      peer.send(type, text)
      return (await peer.receive(answer)).args[1]
    }
    assert.equal(await known(PACKET.GET_STATUS, mine, 'STATUS_RES'), '1')
    assert.equal(await known(PACKET.GET_STATUS, hers, 'STATUS_RES'), '0')
    assert.equal(await known(PACKET.GET_STATUS_UNIQUE, 'same', 'STATUS_RES_UNIQUE'), '1')
    assert.equal(await known(PACKET.GET_STATUS_UNIQUE, 'hers', 'STATUS_RES_UNIQUE'), '0')
  })

  test('to the text protocol', async () => {
    await using desk = await open()
    const handle = await desk.submit(others)
    const peer = await connectAs(desk.local, 'operate')
    const cancel = async (which: string) => {
      peer.sendLine(`cancel job ${which}`)
      return await peer.receiveText('\n')
    }
    assert.equal(await cancel(handle), await cancel('H:nowhere:1'))
    assert.equal(await desk.state(others), 'ready 0/1/0 delayed 0 running 0 dead 0')
  })

  test('and so is a schedule', async () => {
    await using desk = await open()
    await desk.ask('schedule put', { name: 'hourly', function: others, every: '1h' })
    const peer = await connectAs(desk.local, 'operate')
    for (const op of ['schedule show', 'schedule pause', 'schedule resume', 'schedule run', 'schedule remove']) {
      const there = JSON.stringify(await ask(peer, { op, name: 'hourly' }))
      assert.equal(there.replace('hourly', 'nightly'), JSON.stringify(await ask(peer, { op, name: 'nightly' })), op)
    }
    const put = await ask(peer, { op: 'schedule put', name: 'hourly', function: theirs, every: '1h' })
    assert.ok(!put.ok && put.error.code === 'ACCESS_DENIED')
  })
})

test('a job that one may see and not change is denied by name', async () => {
  const both = { ...rules, both: { network: '127.0.0.1', roles: ['submit', 'operate'], functions: 'own' } } as const
  await using desk = await Desk.open({ access: both })
  await showToken(desk.peer, 'token-of-submit')
  const handle = await desk.submit(theirs)
  const refused = await ask(desk.peer, { op: 'job cancel', handle })
  assert.ok(!refused.ok && refused.error.code === 'ACCESS_DENIED')
})

test('what follows a job is one that may be submitted, whichever way it is asked for', async () => {
  await using desk = await open()
  const peer = await connectAs(desk.local, 'submit')
  peer.send(PACKET.SUBMIT_JOB_BG, theirs, '', 'w')
  await peer.receive('JOB_CREATED')
  peer.send(1003, theirs, '', JSON.stringify({ background: true, then: others }), '', 'w')
  assert.equal((await peer.receive('ERROR')).args[0], 'ACCESS_DENIED')
  const worker = await desk.local.connect('worker')
  worker.send(PACKET.CAN_DO, theirs)
  await grab(worker)
  worker.send(PACKET.GRAB_JOB)
  assert.equal((await worker.receive()).name, 'NO_JOB')
})
