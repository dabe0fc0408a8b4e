import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LocalServer } from '../server/local-server.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { PACKET } from '../support/raw.ts'

/** A log of that level, and its lines. */
function logOf(level: 'debug' | 'info' | undefined) {
  const lines: [object, string][] = []
  const say = (facts: object, sentence: string) => void lines.push([facts, sentence])
  const isLevelEnabled = level && ((asked: string) => asked !== 'debug' || level === 'debug')
  // As pino's methods are called here, of the many ways that they can be.
  const log = { debug: say, info: say, warn: say, error: say, isLevelEnabled } as never
  return { log, lines }
}

describe('the log of jobs', () => {
  it('a line for each step, with function and handle, and never what is in the job', async () => {
    const { log, lines } = logOf('debug')
    const functions = { gr: { attempts: '2', 'backoff-first': '0', 'backoff-jitter': '0' } }
    const clock = new ManualClock()
    let handle = ''
    {
      await using server = await LocalServer.start({ log, functions }, clock)
      const client = await server.connect('client')
      client.send(PACKET.SUBMIT_JOB_BG, 'gr', 'secret unique', 'secret')
      handle = (await client.receive('JOB_CREATED')).body.toString('latin1')
      clock.advance(30)
      const worker = await server.connect('worker')
      worker.send(PACKET.CAN_DO, 'gr')
      for (const end of [PACKET.WORK_EXCEPTION, PACKET.WORK_COMPLETE]) {
        worker.send(PACKET.GRAB_JOB)
        await worker.receive('JOB_ASSIGN')
        clock.advance(20)
        worker.send(PACKET.WORK_DATA, handle, 'secret')
        worker.send(end, handle, 'secret')
        await worker.sync()
      }
      const waiting = await server.connect('waiting')
      waiting.send(PACKET.SUBMIT_JOB_BG, 'other', '', 'secret')
      const other = (await waiting.receive('JOB_CREATED')).body.toString('latin1')
      waiting.sendLine(`cancel job ${other}`)
      await waiting.receiveText('\n')
    }
    const ofJob = lines.filter(([facts]) => 'handle' in facts && facts.handle === handle && !('audit' in facts))
    const job = { function: 'gr', handle }
    assert.deepEqual(ofJob, [
      [{ ...job, background: true }, 'job submitted'],
      [{ ...job, connection: 1, attempt: 1, waitMs: 30 }, 'job assigned'],
      [{ ...job, reason: 'exception', attempts: 1, runMs: 20, waitMs: 0 }, 'job to be tried again'],
      [{ ...job, connection: 1, attempt: 2, waitMs: 0 }, 'job assigned'],
      [{ ...job, outcome: 'complete', isDead: false, runMs: 20 }, 'job ended'],
    ])
    assert.ok(
      lines.some(
        ([facts, sentence]) => 'outcome' in facts && sentence === 'job ended' && facts.outcome === 'cancelled',
      ),
    )
    assert.doesNotMatch(JSON.stringify(lines), /secret/)
  })

  for (const level of ['info', undefined] as const) {
    it(`nothing at level ${level}`, async () => {
      const { log, lines } = logOf(level)
      {
        await using server = await LocalServer.start({ log })
        await server.assertServes()
      }
      assert.deepEqual(
        lines.filter(([, sentence]) => sentence.startsWith('job ')),
        [],
      )
    })
  }
})
