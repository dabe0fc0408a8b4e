import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ScheduleState } from '@geartrain/protocol'
import { type Office, onStores } from './office.ts'

const params = { name: 'größe/täglich' }

async function schedules(office: Office, query = {}): Promise<string[]> {
  const answer = (await office.ask('listSchedules', query)) as { schedules: ScheduleState[] }
  return answer.schedules.map(({ name }) => name)
}

describe('schedules', () => {
  it(
    'are put, shown, paused, resumed, run and removed',
    onStores(async (office) => {
      const body = { function: 'bericht', every: '1h', workload: { text: 'hi' }, priority: 'high', unique: 'ü' }
      const put = (await office.api.json('putSchedule', { params, body })) as ScheduleState
      assert.equal(put.name, params.name)
      assert.equal(put.unique, 'ü')
      assert.equal(put.next.length, 5)
      assert.deepEqual(await schedules(office), [params.name])
      assert.deepEqual(await schedules(office, { function: 'nobody' }), [])
      const shown = (await office.ask('getSchedule', { runs: '2' }, params)) as ScheduleState
      assert.deepEqual(shown.workload, { text: 'hi' })
      assert.equal(shown.next.length, 2)
      const paused = (await office.ask('pauseSchedule', {}, params)) as ScheduleState
      assert.deepEqual([paused.paused, paused.next], [true, []])
      const { handle } = (await office.ask('runSchedule', {}, params)) as { handle: string }
      assert.equal((await office.job(handle)).function, 'bericht')
      const resumed = (await office.ask('resumeSchedule', {}, params)) as ScheduleState
      assert.deepEqual([resumed.paused, resumed.next.length], [false, 5])
      assert.equal(resumed.history[0]?.handle, handle)
      assert.equal(await office.status('removeSchedule', { params }), '204')
      assert.equal(await office.status('removeSchedule', { params }), '404 NOT_FOUND')
      for (const id of ['getSchedule', 'pauseSchedule', 'resumeSchedule', 'runSchedule']) {
        assert.equal(await office.status(id, { params }), '404 NOT_FOUND', id)
      }
    }),
  )

  it(
    'are refused if a field is wrong',
    onStores(async (office) => {
      const rows: readonly object[] = [
        {},
        { function: 'f' },
        { function: 'f', every: '1h', cron: '* * * * *' },
        { function: 'f', every: 'often' },
        { function: 'f', cron: '61 * * * *' },
        { function: '', every: '1h' },
        { function: 'f', every: '1h', workload: 'x' },
        { function: 'f', every: '1h', workload: { base64: '?' } },
        { function: 'f', every: '1h', nobody: 'knows' },
        { function: 'f', every: '1h', timezone: 'Europe/Berlim' },
      ]
      for (const body of rows) {
        assert.equal(await office.status('putSchedule', { params, body }), '400 BAD_REQUEST', JSON.stringify(body))
      }
      assert.equal(await office.status('getSchedule', { params, query: { runs: '101' } }), '400 BAD_REQUEST')
      assert.deepEqual(await schedules(office), [])
    }),
  )

  it(
    'can be tried: the next times',
    onStores(async (office) => {
      const preview = async (body: object) =>
        ((await office.api.json('previewSchedule', { body })) as { next: number[] }).next
      const days = await preview({ cron: '30 4 * * *', timezone: 'UTC', runs: 3 })
      assert.deepEqual(
        days.map((at) => new Date(at).toISOString().slice(11, 16)),
        ['04:30', '04:30', '04:30'],
      )
      const [one = 0, two = 0] = await preview({ every: '90s' })
      assert.equal(two - one, 90_000)
      assert.deepEqual(await preview({ at: '2001-01-01T00:00:00Z' }), [])
      for (const body of [{}, { cron: 'x' }, { cron: '* * * * *', every: '1h' }, { every: '1h', runs: 101 }]) {
        assert.equal(await office.status('previewSchedule', { body }), '400 BAD_REQUEST', JSON.stringify(body))
      }
      assert.deepEqual(await schedules(office), [])
    }),
  )
})
