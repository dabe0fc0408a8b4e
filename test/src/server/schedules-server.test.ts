import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ControlAnswer, packets, type ScheduleDefinition, type ScheduleState } from '@geartrain/protocol'
import type { Server } from '@geartrain/server'
import { FakeDisk, FakeStore } from '../support/fake-store.ts'
import { SteppedClock } from '../support/manual-clock.ts'
import { MemorySocket } from '../support/memory-socket.ts'
import { PACKET, request } from '../support/raw.ts'
import { localServer } from './local-server.ts'
import { response } from './response.ts'

/** A server and one client, in steps. */
class Stage {
  readonly clock: SteppedClock
  readonly store: FakeStore
  readonly server: Server
  readonly #client = new MemorySocket()

  constructor(disk: FakeDisk = new FakeDisk(), laterMs = 0) {
    this.clock = new SteppedClock(noonMs - 1000 + laterMs)
    this.store = new FakeStore(disk)
    this.server = localServer({ store: this.store, handlePrefix: 'H' }, this.clock)
  }

  async open(): Promise<this> {
    await this.server.open()
    this.server.accept(this.#client)
    await this.clock.settle()
    return this
  }

  /** What the server answers. */
  async ask(type: number, ...parts: readonly string[]): Promise<string> {
    this.#client.say(request(type, ...parts))
    await this.clock.settle()
    return this.#client.heard().toString('latin1')
  }

  async put(definition: ScheduleDefinition): Promise<void> {
    await this.#control({ op: 'schedule put', ...definition })
  }

  async show(name: string): Promise<ScheduleState> {
    return this.#control({ op: 'schedule show', name })
  }

  async #control(ask: { readonly op: string; readonly name: string }): Promise<ScheduleState> {
    const said = await this.ask(packets.CONTROL.type, JSON.stringify(ask))
    // What the server says is of the type that the protocol has for it.
    const answer = JSON.parse(said.slice(12)) as ControlAnswer<ScheduleState>
    assert.ok(answer.ok, said)
    return answer.answer
  }

  async pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      this.clock.advance(1000)
      await this.clock.settle()
    }
  }

  /** A worker takes a job of the function, and is done. The name and workload of the job; undefined: there was none. */
  async work(functionName: string): Promise<string | undefined> {
    await this.ask(PACKET.CAN_DO, functionName)
    const assigned = await this.ask(PACKET.GRAB_JOB)
    if (assigned === response('NO_JOB')) return undefined
    const [handle = '', , workload = ''] = assigned.slice(12).split('\0')
    await this.ask(PACKET.WORK_COMPLETE, handle, '')
    return workload
  }
}

const tick: ScheduleDefinition = { name: 'tick', function: 'f', every: '10s', workload: { text: 'w' } }
const noonMs = Date.parse('2026-11-23T12:00:00Z')

describe('SUBMIT_JOB_SCHED', () => {
  it('is answered with a handle when the store has it, and a job comes at each of its times', async () => {
    const stage = await new Stage().open()
    stage.store.isAuto = false
    assert.equal(await stage.ask(PACKET.SUBMIT_JOB_SCHED, 'f', 'u', '', '', '', '', '', 'w'), '')
    stage.store.finish()
    stage.store.isAuto = true
    await stage.clock.settle()
    const again = await stage.ask(PACKET.SUBMIT_JOB_SCHED, 'f', 'u', '', '', '', '', '', 'w')
    assert.match(again, /JOB_CREATED|H:\d{16}/)
    for (let minute = 0; minute < 3; minute++) {
      assert.equal(await stage.work('f'), undefined)
      await stage.pass(60)
      assert.equal(await stage.work('f'), 'w')
    }
  })

  it('goes on after a restart, with one job for each time', async () => {
    const disk = new FakeDisk()
    const before = await new Stage(disk).open()
    await before.ask(PACKET.SUBMIT_JOB_SCHED, 'f', '', '', '', '', '', '', 'w')
    await before.pass(61)
    before.store.crash(false)
    const stage = await new Stage(disk, 90_000).open()
    assert.equal(await stage.work('f'), 'w')
    assert.equal(await stage.work('f'), undefined)
    await stage.pass(30)
    assert.equal(await stage.work('f'), 'w')
  })

  it('that can not be is answered with an ERROR that says why', async () => {
    const stage = await new Stage().open()
    const refused = (text: string) => response('ERROR', 'INVALID_SCHEDULE', `The schedule is not possible: ${text}`)
    assert.equal(
      await stage.ask(PACKET.SUBMIT_JOB_SCHED, 'f', 'u', '60', '', '', '', '', ''),
      refused('minute must be 0 to 59, or empty for any, not "60"'),
    )
    assert.equal(
      await stage.ask(PACKET.SUBMIT_JOB_SCHED, 'f', 'u', '', '', '30', '2', '', ''),
      refused('cron must be for a date that comes, and "* * 30 2 *" never does'),
    )
    assert.equal(
      await stage.ask(PACKET.SUBMIT_JOB_SCHED, 'f', 'u'.repeat(65), '', '', '', '', '', ''),
      response('ERROR', 'ARGUMENT_TOO_LARGE', 'Unique value too large'),
    )
    assert.equal(
      await stage.ask(PACKET.SUBMIT_JOB_SCHED, 'f'.repeat(513), '', '', '', '', '', '', ''),
      response('ERROR', 'ARGUMENT_TOO_LARGE', 'Function name too large'),
    )
    for (const words of [[PACKET.SUBMIT_JOB_BG, 'f', '', ''], [PACKET.CAN_DO, 'f'], [PACKET.GRAB_JOB]] as const) {
      const [type, ...parts] = words
      await stage.ask(type, ...parts)
    }
    // It waits for the job.
    void stage.server.close(10_000)
    assert.equal(
      await stage.ask(PACKET.SUBMIT_JOB_SCHED, 'f', 'u', '', '', '', '', '', ''),
      response('ERROR', 'SHUTTING_DOWN', 'This server is shutting down and takes no new jobs'),
    )
  })
})

describe('a schedule on a store has one job for each time', () => {
  for (const isKept of [true, false]) {
    const how = `had${isKept ? '' : ' not'} kept it`

    it(`when the server is killed as it commits, and ${how}`, async () => {
      const disk = new FakeDisk()
      const before = await new Stage(disk).open()
      await before.put({ ...tick, missed: 'all' })
      before.store.isAuto = false
      await before.pass(10)
      assert.equal(before.store.isBusy, true)
      before.store.crash(isKept)
      const stage = await new Stage(disk, 15_000).open()
      assert.equal(await stage.work('f'), 'w')
      assert.equal(await stage.work('f'), undefined)
    })

    it(`when the store's thread dies, and ${how}`, async () => {
      const stage = await new Stage().open()
      await stage.put({ ...tick, every: '1m' })
      await stage.pass(59)
      stage.store.isAuto = false
      await stage.pass(1)
      assert.equal(stage.store.isBusy, true)
      stage.store.die(isKept)
      stage.store.isAuto = true
      await stage.pass(10)
      assert.equal((await stage.show('tick')).history[0]?.outcome, 'submitted')
      assert.equal(await stage.work('f'), 'w')
      assert.equal(await stage.work('f'), undefined)
    })
  }

  for (const how of ['full', 'broken'] as const) {
    it(`when the store fails (${how})`, async () => {
      const stage = await new Stage().open()
      await stage.put({ ...tick, every: '1m' })
      await stage.pass(59)
      stage.store.failNext(how)
      await stage.pass(10)
      assert.equal(await stage.work('f'), 'w')
      assert.equal(await stage.work('f'), undefined)
      assert.equal((await stage.show('tick')).history.length, 1)
    })
  }

  for (const how of ['full', 'broken'] as const) {
    it(`or none of a client's schedule that the store does not take (${how}), which the client is told`, async () => {
      const stage = await new Stage().open()
      const parts = ['*', '*', '*', '*', '*', 'w'] as const
      stage.store.failNext(how)
      assert.match(
        await stage.ask(PACKET.SUBMIT_JOB_SCHED, 'f', '', ...parts),
        /QUEUE_ERROR.*schedule could not be stored/,
      )
      await stage.pass(70)
      assert.equal(await stage.work('f'), undefined)
      assert.equal(
        (await stage.ask(PACKET.SUBMIT_JOB_SCHED, 'f', 'u', ...parts)).slice(0, 8),
        response('JOB_CREATED').slice(0, 8),
      )
      stage.store.failNext(how)
      assert.match(await stage.ask(PACKET.SUBMIT_JOB_SCHED, 'f', 'u', ...parts), /QUEUE_ERROR/)
      assert.equal((await stage.show('f:u')).function, 'f')
    })
  }

  it('or none without overlap: it says which one the store has', async () => {
    const disk = new FakeDisk()
    const before = await new Stage(disk).open()
    await before.put({ ...tick, overlap: false })
    await before.pass(10)
    const [first] = (await before.show('tick')).history
    before.store.crash(false)
    const stage = await new Stage(disk, 15_000).open()
    await stage.pass(5)
    const [run] = (await stage.show('tick')).history
    assert.deepEqual([run?.outcome, run?.handle], ['skipped: still running', first?.handle])
    assert.equal(await stage.work('f'), 'w')
    assert.equal(await stage.work('f'), undefined)
  })

  it('or none while its function is drained', async () => {
    const stage = await new Stage().open()
    await stage.put(tick)
    await stage.ask(
      packets.CONTROL.type,
      JSON.stringify({ op: 'function set', name: 'f', values: { draining: 'true' } }),
    )
    await stage.pass(10)
    const [run] = (await stage.show('tick')).history
    assert.deepEqual([run?.outcome, run?.why], ['refused', 'The function is drained and takes no new jobs'])
    assert.equal(await stage.work('f'), undefined)
  })
})
