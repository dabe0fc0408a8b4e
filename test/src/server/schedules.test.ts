import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ControlErrorCode, ScheduleDefinition } from '@geartrain/protocol'
import { type ClientSchedule, ScheduleError } from '@geartrain/server'
import { Disk, ScheduleHost } from './schedule-host.ts'

const noon = '2026-11-23T12:00:00Z'
const tick: ScheduleDefinition = { name: 'tick', function: 'f', every: '10s' }

/** It fails like that, and nothing has changed. */
function refuses(host: ScheduleHost, code: ControlErrorCode, message: RegExp, act: () => void): void {
  const before = JSON.stringify(host.schedules.list())
  assert.throws(act, (error) => {
    assert.ok(error instanceof ScheduleError)
    assert.equal(error.code, code)
    assert.match(error.message, message)
    return true
  })
  assert.equal(JSON.stringify(host.schedules.list()), before)
}

describe('times of a schedule', () => {
  const rows: [what: string, from: string, definition: Partial<ScheduleDefinition>, next: string[]][] = [
    ['five fields', noon, { cron: '0 3 * * *' }, ['2026-11-24T03:00:00', '2026-11-25T03:00:00']],
    ['six, with seconds', noon, { cron: '*/20 * * * * *' }, ['2026-11-23T12:00:20', '2026-11-23T12:00:40']],
    ['names', noon, { cron: '0 9 * JAN mon-fri' }, ['2027-01-01T09:00:00', '2027-01-04T09:00:00']],
    ['a word', noon, { cron: '@hourly' }, ['2026-11-23T13:00:00', '2026-11-23T14:00:00']],
    ['a zone', noon, { cron: '0 3 * * *', timezone: 'Europe/Berlin' }, ['2026-11-24T02:00:00', '2026-11-25T02:00:00']],
    ['29 February', noon, { cron: '0 0 29 2 *' }, ['2028-02-29T00:00:00', '2032-02-29T00:00:00']],
    ['every', noon, { every: '90s' }, ['2026-11-23T12:01:30', '2026-11-23T12:03:00']],
    ['once', noon, { at: '2026-12-24T18:00:00+01:00' }, ['2026-12-24T17:00:00']],
    ['once, in a zone', noon, { at: '2026-12-24 18:00', timezone: 'America/New_York' }, ['2026-12-24T23:00:00']],
    // Clocks go from 2:00 to 3:00 at 1:00 UTC.
    [
      'a time that does not exist in spring comes at the end of the gap',
      '2026-03-28T00:00:00Z',
      { cron: '30 2 * * *', timezone: 'Europe/Berlin' },
      ['2026-03-28T01:30:00', '2026-03-29T01:00:00', '2026-03-30T00:30:00'],
    ],
    [
      'half hours in spring',
      '2026-03-29T00:10:00Z',
      { cron: '*/30 * * * *', timezone: 'Europe/Berlin' },
      ['2026-03-29T00:30:00', '2026-03-29T01:00:00', '2026-03-29T01:30:00'],
    ],
    // And back from 3:00 to 2:00 at 1:00 UTC.
    [
      'a time that comes twice in autumn is once, the first',
      '2026-10-24T12:00:00Z',
      { cron: '30 2 * * *', timezone: 'Europe/Berlin' },
      ['2026-10-25T00:30:00', '2026-10-26T01:30:00'],
    ],
    [
      'one of several hours, too',
      '2026-10-24T20:00:00Z',
      { cron: '30 2,14 * * *', timezone: 'Europe/Berlin' },
      ['2026-10-25T00:30:00', '2026-10-25T13:30:00'],
    ],
    [
      'half hours go on through both of the hours',
      '2026-10-24T23:40:00Z',
      { cron: '*/30 * * * *', timezone: 'Europe/Berlin' },
      ['2026-10-25T00:00:00', '2026-10-25T00:30:00', '2026-10-25T01:00:00', '2026-10-25T01:30:00'],
    ],
  ]
  for (const [what, from, definition, next] of rows) {
    it(what, () => {
      const host = new ScheduleHost(from)
      host.schedules.put({ name: 'x', function: 'f', ...definition })
      assert.deepEqual(host.next('x', next.length), next)
    })
  }

  it('through the night in which the clocks go back there is one job for each', () => {
    const host = new ScheduleHost('2026-10-24T23:59:30Z')
    host.schedules.put({ name: 'x', function: 'f', cron: '30 2 * * *', timezone: 'Europe/Berlin' })
    host.pass(3 * 3600)
    assert.deepEqual(host.history('x'), ['00:30:00 submitted'])
    assert.equal(host.disk.jobs.length, 1)
  })
})

describe('a schedule', () => {
  it('submits a job at each of its times', () => {
    const host = new ScheduleHost(noon)
    host.schedules.put({
      ...tick,
      workload: { base64: '/wA=' },
      unique: 'u',
      priority: 'high',
      then: 'g',
    })
    host.pass(10)
    host.end('f', 'u')
    host.pass(10)
    const job = { function: 'f', unique: 'u', workload: Buffer.from([255, 0]), priority: 0, background: true, runAt: 0 }
    assert.deepEqual(
      host.disk.jobs,
      Array.from({ length: 2 }, () => ({ ...job, reducer: '', then: 'g', options: '', trace: '' })),
    )
    assert.deepEqual(host.history('tick'), ['12:00:20 submitted', '12:00:10 submitted'])
    assert.deepEqual(host.next('tick', 2), ['2026-11-23T12:00:30', '2026-11-23T12:00:40'])
  })

  it('comes at its time whatever others there are', () => {
    const host = new ScheduleHost(noon)
    for (const every of ['10s', '5s', '40s']) host.schedules.put({ ...tick, name: every, function: every, every })
    host.pass(40)
    const functions = host.disk.jobs.map((job) => job.function)
    const seconds = [5, 10, 15, 20, 25, 30, 35, 40]
    const dues = seconds.flatMap((second) =>
      ['10s', '5s', '40s'].filter((every) => second % Number.parseInt(every, 10) === 0),
    )
    assert.deepEqual(functions, dues)
    assert.deepEqual(
      host.runs('5s').map(({ dueAt, at }) => at - dueAt),
      seconds.map(() => 0),
    )
  })

  it('is over after its one date', () => {
    const host = new ScheduleHost(noon)
    host.schedules.put({ name: 'once', function: 'f', at: '2026-11-23T12:00:05Z' })
    host.pass(100)
    assert.equal(host.disk.jobs.length, 1)
    assert.deepEqual(host.next('once'), [])
    assert.equal(host.clock.timerCount, 0)
  })

  it('remembers its last 20 runs', () => {
    const host = new ScheduleHost(noon)
    host.schedules.put({ ...tick, every: '1s' })
    host.pass(25)
    const history = host.history('tick')
    assert.equal(history.length, 20)
    assert.equal(history[0], '12:00:25 submitted')
  })

  it('counted from its beginning does not drift, whenever the server looks and starts', () => {
    const host = new ScheduleHost(noon)
    host.schedules.put({ ...tick, every: '7s' })
    for (let look = 0; look < 10; look++) host.passAtOnce(5)
    assert.deepEqual(host.next('tick'), ['2026-11-23T12:00:56'])
    assert.equal(host.disk.jobs.length, 7)
    const later = new ScheduleHost('2026-11-23T12:01:00.500Z', host.disk)
    assert.deepEqual(later.next('tick'), ['2026-11-23T12:01:03'])
  })

  it('paused submits nothing and makes up for nothing; resumed, it goes on from then', () => {
    const host = new ScheduleHost(noon)
    host.schedules.put({ ...tick, missed: 'all' })
    host.pass(10)
    assert.deepEqual(host.schedules.pause('tick').next, [])
    host.pass(100)
    const later = new ScheduleHost('2026-11-23T12:05:05Z', host.disk)
    assert.equal(later.schedules.show('tick').paused, true)
    later.pass(100)
    assert.equal(later.disk.jobs.length, 1)
    later.schedules.resume('tick')
    assert.deepEqual(later.next('tick'), ['2026-11-23T12:06:50'])
    later.pass(5)
    assert.equal(later.disk.jobs.length, 2)
  })

  it('can begin paused', () => {
    const host = new ScheduleHost(noon)
    host.schedules.put({ ...tick, paused: true })
    host.pass(60)
    assert.equal(host.disk.jobs.length, 0)
  })

  it('can be run now, beside its times, and though it is paused', () => {
    const host = new ScheduleHost(noon)
    host.schedules.put(tick)
    host.pass(3)
    assert.equal(host.schedules.run('tick').handle, 'H:1')
    host.schedules.pause('tick')
    assert.equal(host.schedules.run('tick').handle, 'H:2')
    host.pass(1)
    assert.equal(host.disk.jobs.length, 2)
    assert.deepEqual(host.history('tick'), ['12:00:03 submitted', '12:00:03 submitted'])
  })

  it('run now without overlap, while its job has not ended, is that one', () => {
    const host = new ScheduleHost(noon)
    host.schedules.put({ ...tick, overlap: false })
    host.pass(10)
    const run = host.schedules.run('tick')
    host.commit()
    assert.deepEqual([run.outcome, run.handle], ['skipped: still running', 'H:1'])
  })

  it('without overlap skips what comes while its job has not ended', () => {
    const host = new ScheduleHost(noon)
    host.schedules.put({ ...tick, overlap: false })
    host.pass(30)
    assert.deepEqual(host.history('tick'), [
      '12:00:30 skipped: still running',
      '12:00:20 skipped: still running',
      '12:00:10 submitted',
    ])
    assert.equal(host.runs('tick')[0]?.handle, 'H:1')
    host.commit()
    const later = new ScheduleHost('2026-11-23T12:00:30Z', host.disk)
    assert.deepEqual(later.history('tick'), host.history('tick'))
    assert.equal(host.disk.jobs[0]?.unique, 'schedule:tick')
    host.end('f', 'schedule:tick')
    host.pass(10)
    assert.equal(host.history('tick')[0], '12:00:40 submitted')
  })

  it('of a function that takes no jobs says so, and goes on', () => {
    const host = new ScheduleHost(noon)
    host.schedules.put(tick)
    host.isDrained = true
    host.pass(10)
    assert.throws(() => host.schedules.run('tick'), { code: 'CONFLICT', message: 'it is drained' })
    host.isDrained = false
    host.pass(10)
    assert.deepEqual(host.history('tick'), ['12:00:20 submitted', '12:00:10 refused', '12:00:10 refused'])
  })

  it('is gone when it is removed', () => {
    const host = new ScheduleHost(noon)
    host.schedules.put(tick)
    host.schedules.remove('tick')
    host.pass(60)
    assert.equal(host.disk.jobs.length, 0)
    assert.equal(host.disk.documents.size, 0)
    refuses(host, 'NOT_FOUND', /there is no schedule "tick"/, () => host.schedules.show('tick'))
  })

  it('put again goes on where it was if its times are the same, else it counts from then', () => {
    const host = new ScheduleHost(noon)
    host.schedules.put(tick)
    host.pass(15)
    assert.equal(host.schedules.put({ ...tick, function: 'g' }).history.length, 1)
    assert.deepEqual(host.next('tick'), ['2026-11-23T12:00:20'])
    host.schedules.put({ ...tick, every: '1m' })
    assert.deepEqual(host.next('tick'), ['2026-11-23T12:01:15'])
  })

  it('is listed by name and by function', () => {
    const host = new ScheduleHost(noon)
    for (const [name, functionName] of [
      ['b', 'f'],
      ['a', 'g'],
      ['c', 'f'],
    ])
      host.schedules.put({ ...tick, name, function: functionName })
    const names = (functionName?: string) => host.schedules.list(functionName).map(({ name }) => name)
    assert.deepEqual(names(), ['a', 'b', 'c'])
    assert.deepEqual(names('f'), ['b', 'c'])
  })

  it('is listed without its workload, and with its last run', () => {
    const host = new ScheduleHost(noon)
    host.schedules.put({ ...tick, workload: { text: 'w' } })
    host.pass(120)
    const [row] = host.schedules.list()
    const whole = host.schedules.show(tick.name, 1)
    assert.ok(whole.history.length > 1)
    const { workload, ...rest } = whole
    assert.deepEqual(workload, { text: 'w' })
    assert.deepEqual(row, { ...rest, history: whole.history.slice(0, 1) })
  })

  it('leaves others their turn when very many are due, and comes all the same', () => {
    const host = new ScheduleHost(noon)
    host.isAutomatic = false
    host.submissionMs = 1
    for (let number = 0; number < 100; number++) host.schedules.put({ ...tick, name: String(number) })
    const counts: number[] = []
    const count = () => counts.push(host.submitted)
    host.clock.after(10_000, count)
    host.clock.advance(10_000)
    count()
    assert.ok(counts[0] !== undefined && counts[0] > 0 && counts[0] <= 10, String(counts))
    assert.equal(counts[1], 100)
  })

  it('has its part of 64 MiB of workloads', () => {
    const host = new ScheduleHost(noon)
    host.isAutomatic = false
    const workload = { text: 'w'.repeat(256 * 1024) }
    const refusesMore = () => {
      const why = /the workloads of all schedules have at most 64 MiB together: give this one a shorter workload/
      refuses(host, 'CONFLICT', why, () => host.schedules.put({ ...tick, name: 'more', workload: { text: 'w' } }))
      refuses(host, 'CONFLICT', why, () => host.schedules.putClient(asked))
    }
    for (let number = 0; number < 256; number++) host.schedules.put({ ...tick, name: String(number), workload })
    refusesMore()
    host.schedules.put({ ...tick, name: '0', workload })
    host.schedules.put({ ...tick, name: 'small' })
    refusesMore()
    host.schedules.remove('0')
    for (let times = 0; times < 300; times++) {
      host.schedules.putClient({ ...asked, workload: Buffer.alloc(256 * 1024, 'w') })
    }
    refuses(host, 'CONFLICT', /64 MiB/, () => host.schedules.put({ ...tick, name: 'more', workload: { text: 'w' } }))
  })

  it('is one of 10,000 at most', () => {
    const host = new ScheduleHost(noon)
    host.isAutomatic = false
    for (let number = 0; number < 10_000; number++) host.schedules.put({ ...tick, name: String(number) })
    refuses(host, 'CONFLICT', /there are 10000 schedules, which is as many as there can be/, () =>
      host.schedules.put(tick),
    )
    refuses(host, 'CONFLICT', /as many as there can be/, () => host.schedules.putClient(asked))
    host.schedules.put({ ...tick, name: '0' })
    host.schedules.remove('0')
    host.schedules.putClient(asked)
  })

  it('comes no more when the server stops', () => {
    const host = new ScheduleHost(noon)
    host.schedules.put(tick)
    host.schedules.stop()
    host.pass(60)
    assert.equal(host.disk.jobs.length, 0)
    assert.equal(host.clock.timerCount, 0)
    refuses(host, 'SHUTTING_DOWN', /shutting down/, () => host.schedules.put({ ...tick, name: 'other' }))
    refuses(host, 'SHUTTING_DOWN', /shutting down/, () => host.schedules.putClient(asked))
  })
})

describe('times that were missed', () => {
  const rows: [missed: 'skip' | 'once' | 'all' | undefined, jobs: number, history: string[]][] = [
    [undefined, 0, ['12:00:10 skipped: missed']],
    ['skip', 0, ['12:00:10 skipped: missed']],
    ['once', 1, ['12:00:10 submitted']],
    ['all', 3, ['12:00:30 submitted', '12:00:20 submitted', '12:00:10 submitted']],
  ]
  for (const [missed, jobs, history] of rows) {
    const definition = missed === undefined ? tick : { ...tick, missed }

    it(`while the server was down: ${missed ?? 'by default'}`, () => {
      const { disk, schedules } = new ScheduleHost(noon)
      schedules.put(definition)
      disk.documents.set('tick', documentOf(definition))
      const host = new ScheduleHost('2026-11-23T12:00:35Z', disk)
      assert.equal(disk.jobs.length, jobs)
      assert.deepEqual(host.history('tick'), history)
      assert.deepEqual(host.next('tick'), ['2026-11-23T12:00:40'])
      host.pass(5)
      assert.equal(disk.jobs.length, jobs + 1)
    })

    it(`when the date jumps: ${missed ?? 'by default'}`, () => {
      const host = new ScheduleHost(noon)
      host.schedules.put(definition)
      host.setDate(35_000)
      host.passAtOnce(10)
      assert.deepEqual(host.history('tick').slice(-history.length), history)
      assert.deepEqual(host.next('tick'), ['2026-11-23T12:00:50'])
      assert.match(host.warnings[0] ?? '', /the date was put on/)
    })
  }

  function documentOf(definition: ScheduleDefinition): string {
    const host = new ScheduleHost(noon)
    host.schedules.put(definition)
    host.commit()
    return host.disk.documents.get(definition.name) ?? ''
  }

  it('and are not due: the one at this moment is', () => {
    const disk = new Disk()
    disk.documents.set('tick', documentOf(tick))
    const host = new ScheduleHost('2026-11-23T12:00:10Z', disk)
    assert.deepEqual(host.history('tick'), ['12:00:10 submitted'])
  })

  it('one date, once', () => {
    const disk = new Disk()
    disk.documents.set('x', documentOf({ name: 'x', function: 'f', at: '2026-11-23T13:00:00Z', missed: 'once' }))
    for (const date of ['2026-11-24T00:00:00Z', '2026-11-25T00:00:00Z']) new ScheduleHost(date, disk)
    assert.equal(disk.jobs.length, 1)
  })

  for (const [missedCount, jobs] of [
    [1000, 1000],
    [1001, 1000],
    [100_000, 1000],
  ] as const) {
    it(`${missedCount}, of which ${jobs} are made up for at most`, () => {
      const disk = new Disk()
      disk.documents.set('tick', documentOf({ ...tick, every: '1s', missed: 'all' }))
      const host = new ScheduleHost(new Date(Date.parse(noon) + missedCount * 1000 + 500).toISOString(), disk)
      assert.equal(disk.jobs.length, jobs)
      const [latest] = host.runs('tick')
      assert.equal(latest?.outcome, missedCount > jobs ? 'skipped: missed' : 'submitted')
      if (missedCount > jobs) assert.match(latest?.why ?? '', /more than 1000 were missed/)
    })
  }

  it('a busy server is late with, but by less than a minute, are not missed', () => {
    const host = new ScheduleHost(noon)
    host.schedules.put({ ...tick, every: '1s' })
    host.stall(30)
    host.pass(1)
    assert.equal(host.disk.jobs.length, 31)
    // The first five of these are too late.
    host.stall(65)
    host.pass(1)
    assert.equal(host.disk.jobs.length, 31 + 61)
    assert.equal(host.schedules.show('tick').history[0]?.outcome, 'submitted')
  })
})

describe('the date', () => {
  it('put back: no time comes twice', () => {
    const host = new ScheduleHost(noon)
    host.schedules.put(tick)
    host.pass(30)
    host.setDate(-25_000)
    host.pass(25)
    assert.equal(host.disk.jobs.length, 3)
    assert.match(host.warnings[0] ?? '', /put back/)
    host.pass(10)
    assert.deepEqual(host.history('tick')[0], '12:00:40 submitted')
    assert.equal(host.disk.jobs.length, 4)
  })

  it('put on is noticed within a minute', () => {
    const host = new ScheduleHost(noon)
    host.schedules.put({ ...tick, every: '1d', missed: 'once' })
    host.setDate(86_400_000)
    host.pass(60)
    assert.equal(host.disk.jobs.length, 1)
  })

  it('that was a year ahead for a time: what is put, or resumed, after that counts from then on', () => {
    const host = new ScheduleHost(noon)
    host.schedules.put(tick)
    host.pass(10)
    host.setDate(365 * 86_400_000)
    host.pass(10)
    host.setDate(-365 * 86_400_000)
    host.schedules.put({ ...tick, name: 'other' })
    host.pass(10)
    assert.deepEqual(host.history('other'), ['12:00:30 submitted'])
    assert.equal(host.schedules.show('tick').history.length, 3)
    host.schedules.pause('tick')
    host.schedules.resume('tick')
    host.pass(10)
    assert.deepEqual(host.history('tick')[0], '12:00:40 submitted')
  })

  it('set before a schedule is put is none of its business', () => {
    const host = new ScheduleHost(noon)
    host.setDate(3_600_000)
    host.schedules.put(tick)
    // Timers are late.
    host.stall(0.003)
    host.pass(10)
    assert.deepEqual(host.history('tick'), ['13:00:10 submitted'])
  })
})

describe('one job for each time', () => {
  it('though the server is killed before, after, or while the job goes to the disk', () => {
    for (const commitsBefore of [0, 1]) {
      const host = new ScheduleHost(noon)
      host.schedules.put({ ...tick, missed: 'all' })
      host.commit()
      host.isAutomatic = false
      host.clock.advance(10_000)
      // What is not on the disk is lost with the server.
      if (commitsBefore === 1) host.commit()
      const later = new ScheduleHost('2026-11-23T12:00:12Z', host.disk)
      assert.equal(later.disk.jobs.length, 1)
      assert.deepEqual(later.history('tick'), ['12:00:10 submitted'])
    }
  })

  it('though the store fails for a time: what is due waits', () => {
    const host = new ScheduleHost(noon)
    host.schedules.put(tick)
    host.pass(10)
    host.isStoreFailing = true
    assert.throws(() => host.schedules.run('tick'), { code: 'STORE_FAILED' })
    host.pass(35)
    assert.deepEqual(host.history('tick'), ['12:00:10 submitted'])
    host.isStoreFailing = false
    host.pass(1)
    assert.equal(host.disk.jobs.length, 4)
    assert.deepEqual(host.next('tick'), ['2026-11-23T12:00:50'])
  })

  it('and after more than a minute it is missed', () => {
    const host = new ScheduleHost(noon)
    host.schedules.put({ ...tick, every: '1m' })
    host.isStoreFailing = true
    host.pass(200)
    host.isStoreFailing = false
    host.pass(1)
    assert.deepEqual(host.history('tick'), ['12:03:00 submitted', '12:01:00 skipped: missed'])
  })
})

const asked: ClientSchedule = {
  function: 'f',
  unique: 'u',
  minute: '30',
  hour: '4',
  dayOfMonth: '',
  month: '',
  dayOfWeek: '0',
  workload: Buffer.from('w'),
}

describe("a client's schedule", () => {
  it('comes at its times; the week begins on Monday', () => {
    const host = new ScheduleHost(noon)
    host.schedules.putClient(asked)
    const [state] = host.schedules.list()
    assert.equal(state?.name, 'f:u')
    assert.equal(state?.origin, 'client')
    assert.deepEqual(host.schedules.show('f:u').workload, { text: 'w' })
    // 23 November 2026 is a Monday.
    assert.deepEqual(host.next('f:u', 2), ['2026-11-30T04:30:00', '2026-12-07T04:30:00'])
    host.schedules.putClient({ ...asked, dayOfWeek: '6' })
    assert.deepEqual(host.next('f:u'), ['2026-11-29T04:30:00'])
    host.schedules.putClient({ ...asked, minute: '', hour: '', dayOfWeek: '' })
    assert.deepEqual(host.next('f:u'), ['2026-11-23T12:01:00'])
  })

  it('is one for one function and unique, and has one handle; without a unique it is its own', () => {
    const host = new ScheduleHost(noon)
    const first = host.schedules.putClient(asked)
    host.schedules.pause('f:u')
    assert.equal(host.schedules.putClient({ ...asked, hour: '5' }), first)
    assert.equal(host.schedules.show('f:u').paused, true)
    const others = [
      { ...asked, function: 'g' },
      { ...asked, unique: '' },
      { ...asked, unique: '' },
      { ...asked, unique: '-' },
      { ...asked, unique: '-', workload: Buffer.from([255]) },
      { ...asked, unique: '-', workload: Buffer.alloc(0) },
      { ...asked, unique: '-', workload: Buffer.alloc(0) },
    ].map((each) => host.schedules.putClient(each))
    assert.equal(new Set([first, ...others]).size, 8)
    assert.equal(host.schedules.putClient({ ...asked, unique: '-' }), others[3])
  })

  it('is removed by its handle, also after a restart', () => {
    const before = new ScheduleHost(noon)
    const number = before.schedules.putClient(asked)
    before.commit()
    const host = new ScheduleHost(noon, before.disk)
    assert.equal(host.schedules.removeByHandle(number + 1), false)
    assert.equal(host.schedules.removeByHandle(Number.NaN), false)
    assert.equal(host.schedules.removeByHandle(number), true)
    assert.equal(host.schedules.removeByHandle(number), false)
    host.commit()
    assert.equal(host.disk.documents.size, 0)
  })

  it('is another one when somebody has put it: its handle is none any more', () => {
    const host = new ScheduleHost(noon)
    const number = host.schedules.putClient(asked)
    host.schedules.put({ ...tick, name: 'f:u' })
    assert.equal(host.schedules.removeByHandle(number), false)
    refuses(host, 'CONFLICT', /not from a client/, () => host.schedules.putClient(asked))
  })

  const wrong: [Partial<ClientSchedule>, RegExp][] = [
    [{ minute: '60' }, /^minute must be 0 to 59, or empty for any, not "60"$/],
    [{ minute: '-1' }, /^minute /],
    [{ minute: '1.5' }, /^minute /],
    [{ hour: '24' }, /^hour must be 0 to 23/],
    [{ dayOfMonth: '0' }, /^day of the month must be 1 to 31/],
    [{ month: '13' }, /^month must be 1 to 12/],
    [{ dayOfWeek: '7' }, /^day of the week must be 0 to 6 \(0 is Monday\)/],
    [{ dayOfMonth: '30', month: '2', dayOfWeek: '' }, /^cron must be for a date that comes/],
    [{ function: '' }, /^function must be/],
    [{ unique: 'a\nb' }, /^unique must be/],
    [{ workload: Buffer.alloc(256 * 1024 + 1) }, /^workload must be/],
  ]
  for (const [fields, message] of wrong) {
    it(`is refused with ${Object.keys(fields).join(', ')} that can't be`, () => {
      const host = new ScheduleHost(noon)
      refuses(host, 'BAD_REQUEST', message, () => host.schedules.putClient({ ...asked, ...fields }))
      assert.equal(host.disk.nextNumber, 1)
    })
  }
})

describe('schedules of the configuration file', () => {
  it('can be paused, resumed and run, and not changed or removed', () => {
    const host = new ScheduleHost(noon, new Disk(), [tick])
    refuses(host, 'CONFLICT', /is from the configuration file: change it there/, () => host.schedules.put(tick))
    refuses(host, 'CONFLICT', /is from the configuration file/, () => host.schedules.remove('tick'))
    host.schedules.pause('tick')
    host.schedules.resume('tick')
    assert.equal(host.schedules.run('tick').handle, 'H:1')
    host.pass(10)
    assert.equal(host.disk.jobs.length, 2)
  })

  it('go on after a restart, paused or not, until the file says otherwise', () => {
    const first = new ScheduleHost(noon, new Disk(), [{ ...tick, missed: 'once' }])
    first.pass(10)
    const second = new ScheduleHost('2026-11-23T12:00:25Z', first.disk, [{ ...tick, missed: 'once' }])
    assert.equal(second.disk.jobs.length, 2)
    second.schedules.pause('tick')
    second.commit()
    const third = new ScheduleHost('2026-11-23T12:01:00Z', first.disk, [tick])
    assert.equal(third.schedules.show('tick').paused, true)
    const fourth = new ScheduleHost('2026-11-23T12:02:00Z', first.disk, [{ ...tick, every: '1m', paused: true }])
    fourth.commit()
    const fifth = new ScheduleHost('2026-11-23T12:03:00Z', first.disk, [{ ...tick, every: '1m' }])
    assert.equal(fifth.schedules.show('tick').paused, false)
    assert.deepEqual(fifth.next('tick'), ['2026-11-23T12:04:00'])
    assert.equal(fifth.history('tick').length, 2)
  })

  it('that have gone from the file are gone; others stay', () => {
    const first = new ScheduleHost(noon, new Disk(), [tick])
    first.schedules.put({ ...tick, name: 'other' })
    first.commit()
    const second = new ScheduleHost(noon, first.disk)
    assert.deepEqual(
      second.schedules.list().map(({ name }) => name),
      ['other'],
    )
    assert.deepEqual([...first.disk.documents.keys()], ['other'])
  })

  it('take the place of one that was put at runtime', () => {
    const first = new ScheduleHost(noon)
    first.schedules.put(tick)
    first.commit()
    const second = new ScheduleHost(noon, first.disk, [{ ...tick, function: 'g' }])
    assert.deepEqual([second.schedules.show('tick').origin, second.schedules.show('tick').function], ['config', 'g'])
    assert.match(second.warnings[0] ?? '', /is from now on that of the configuration file/)
  })

  it('with a date that has passed never come, and the log says so', () => {
    const host = new ScheduleHost(noon, new Disk(), [
      { name: 'x', function: 'f', at: '2020-01-01T00:00:00Z', missed: 'once' },
    ])
    host.pass(60)
    assert.equal(host.disk.jobs.length, 0)
    assert.match(host.warnings[0] ?? '', /"x" never comes: 2020-01-01T00:00:00Z has passed/)
  })
})

it('a document that can not be read is left out, and the log says why', () => {
  const disk = new Disk()
  const host = new ScheduleHost(noon, disk)
  host.schedules.put(tick)
  host.commit()
  const good = disk.documents.get('tick') ?? ''
  const bad = [
    '',
    '{',
    '[]',
    '{}',
    good.replace('"f"', '""'),
    good.replace('10s', '10'),
    good.replace('runtime', 'nobody'),
  ]
  for (const [index, body] of bad.entries()) disk.documents.set(`bad${index}`, body)
  const later = new ScheduleHost(noon, disk)
  assert.deepEqual(
    later.schedules.list().map(({ name }) => name),
    ['tick'],
  )
  assert.equal(later.warnings.length, bad.length)
  assert.match(later.warnings[5] ?? '', /^the schedule "bad5" can't be read and is left out: every must be/)
})
