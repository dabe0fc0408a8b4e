import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FakeStore } from '../support/fake-store.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { PACKET } from '../support/raw.ts'
import { LocalServer } from './local-server.ts'

/** A clock whose date can be set. */
class DatedClock extends ManualClock {
  setByMs = 0

  override wallNow(): number {
    return super.wallNow() + this.setByMs
  }
}

const hourMs = 3_600_000

for (const kind of ['in memory', 'in a store'] as const) {
  describe(`the machine's date is set, with delayed jobs ${kind}`, () => {
    const begin = async () => {
      const clock = new DatedClock()
      const store = kind === 'in memory' ? 'memory' : new FakeStore()
      const local = await LocalServer.start({ store }, clock)
      const client = await local.connect('client')
      const worker = await local.connect('worker')
      worker.send(PACKET.CAN_DO, 'f')
      const dueAt = clock.wallNow() + hourMs
      client.send(
        PACKET.SUBMIT_JOB_EPOCH,
        'f',
        '',
        `${Math.floor(dueAt / 1000)}.${String(dueAt % 1000).padStart(3, '0')}`,
        'x',
      )
      await client.receive('JOB_CREATED')
      const grab = async () => {
        worker.send(PACKET.GRAB_JOB)
        return (await worker.receive()).name
      }
      /** The time passes, and all that the server does then. */
      const pass = async (ms: number) => {
        clock.advance(ms)
        await client.sync()
        await client.sync()
      }
      return { local, clock, grab, pass }
    }

    it('put on: a job that is due now is given out within 10 s', async () => {
      const { local, clock, grab, pass } = await begin()
      await using _ = local
      assert.equal(await grab(), 'NO_JOB')
      clock.setByMs = hourMs - 20_000
      await pass(10_000)
      assert.equal(await grab(), 'NO_JOB')
      await pass(9999)
      assert.equal(await grab(), 'NO_JOB')
      await pass(1)
      assert.equal(await grab(), 'JOB_ASSIGN')
    })

    it('put back: a job is not given out before its date', async () => {
      const { local, clock, grab, pass } = await begin()
      await using _ = local
      clock.setByMs = -hourMs
      await pass(hourMs)
      assert.equal(await grab(), 'NO_JOB')
      await pass(hourMs - 1)
      assert.equal(await grab(), 'NO_JOB')
      await pass(1)
      assert.equal(await grab(), 'JOB_ASSIGN')
    })
  })
}
