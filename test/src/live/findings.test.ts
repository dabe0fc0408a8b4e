import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, it } from 'node:test'
import type { Finding } from '@geartrain/protocol'
import {
  failuresMin,
  findingOf,
  type KnownFunction,
  type KnownServer,
  type KnownStore,
  LastingSymptoms,
  lingerMs,
  overdueAfterMs,
  overdueMsMin,
  symptomsOf,
  type Thresholds,
  workerlessMsMin,
} from './parts.ts'

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const now = 1000 * hour
/** From the engine's time to the date. */
const offsetMs = 1_790_000_000_000
const thresholds: Thresholds = { warnWaitMs: 5 * minute, warnFailures: 0.1, warnRunningMs: hour }
const forEver = Number.POSITIVE_INFINITY

type Policy = KnownFunction['policy']
const noPolicy: Policy = { paused: false, concurrency: forEver, rate: forEver, timeoutMs: 0 }
/** Nothing is wrong with it. */
const resize: KnownFunction = {
  name: 'resize',
  ready: 0,
  running: 0,
  workers: 3,
  oldestReadyAt: undefined,
  workersLeftAt: 0,
  policy: noPolicy,
  room: forEver,
  ended: { well: 0, badly: 0 },
  overdue: undefined,
}
const sound: KnownStore = {
  name: 'sqlite:/var/lib/q.db',
  trouble: undefined,
  commitP95sMs: [],
  committingSince: undefined,
}
const failure = { code: 'SQLITE_FULL', message: 'database or disk is full', isBroken: false }

function known(server: Partial<KnownServer>): KnownServer {
  return { now, functions: [], store: sound, eventLoopDelayMs: 0, isStopping: false, ...server }
}

function find(server: Partial<KnownServer>, isWhole = true): Finding[] {
  const symptoms = symptomsOf(known(server), thresholds)
  return new LastingSymptoms().update(symptoms, now).map((each) => findingOf(each, offsetMs, isWhole))
}

function findOf(...functions: Partial<KnownFunction>[]): Finding[] {
  return find({ functions: functions.map((each) => ({ ...resize, ...each })) })
}

const waiting = { ready: 120, oldestReadyAt: now - 12 * minute }
const alone = { ...waiting, workers: 0 }
const longLine = 'resize has 120 jobs, and the first has waited for 12 min'

describe('findings of a function', () => {
  const rows: readonly [what: string, known: Partial<KnownFunction>, found: Partial<Finding> | undefined][] = [
    ['nothing', {}, undefined],
    ['no worker and no job', { workers: 0 }, undefined],
    [
      'no worker',
      alone,
      {
        kind: 'no worker',
        severity: 'critical',
        since: offsetMs + now - 12 * minute,
        count: 120,
        title: 'resize has 120 jobs and no worker',
        advice:
          'Nobody has been there to do them for 12 min. Start a worker for it, or find out why those that it had have left.',
      },
    ],
    ['no worker, and one job', { ...alone, ready: 1 }, { title: 'resize has 1 job and no worker' }],
    ['no worker for too short a time', { ...alone, workersLeftAt: now - workerlessMsMin }, undefined],
    [
      'no worker for just long enough',
      { ...alone, workersLeftAt: now - workerlessMsMin - 1 },
      { kind: 'no worker', since: offsetMs + now - workerlessMsMin - 1 },
    ],
    ['no worker, and nobody knows since when', { ...alone, oldestReadyAt: undefined }, undefined],
    [
      'paused',
      { ...waiting, policy: { ...noPolicy, paused: true } },
      {
        kind: 'paused',
        severity: 'warning',
        count: 120,
        since: offsetMs + now - 12 * minute,
        title: 'resize is paused, and 120 jobs wait',
        advice: 'Its policy gives no jobs to workers until it is resumed.',
        command: 'geartrain function resume resize',
      },
    ],
    [
      'paused without a worker, since nobody knows when',
      { ready: 1, workers: 0, policy: { ...noPolicy, paused: true } },
      { kind: 'paused', since: offsetMs + now, title: 'resize is paused, and 1 job waits' },
    ],
    ['paused with nothing to do', { policy: { ...noPolicy, paused: true } }, undefined],
    ['a wait that is not too long', { ready: 9, oldestReadyAt: now - 5 * minute }, undefined],
    [
      'one that just is',
      { ready: 9, oldestReadyAt: now - 5 * minute - 1 },
      { kind: 'long wait', severity: 'warning', count: 9, since: offsetMs + now - 1 },
    ],
    [
      'workers that do not keep up',
      { ...waiting, running: 3 },
      {
        title: longLine,
        advice:
          'It has 3 workers, and 3 jobs of it run. Start more workers, let each do more jobs at a time, or see whether they hang.',
        command: 'geartrain workers',
      },
    ],
    [
      'a policy that lets few run',
      { ...waiting, running: 4, room: 0, policy: { ...noPolicy, concurrency: 4 } },
      {
        title: longLine,
        advice:
          'Its policy holds them back: concurrency lets 4 jobs at a time. Raise it, if what these jobs use can bear that.',
        command: 'geartrain function show resize',
      },
    ],
    [
      'a policy that would let more run',
      { ...waiting, running: 3, policy: { ...noPolicy, concurrency: 4 }, room: 1 },
      { command: 'geartrain workers' },
    ],
    [
      'a policy that lets few begin',
      { ...waiting, running: 1, room: 0, policy: { ...noPolicy, rate: 1 / 60 } },
      {
        advice:
          'Its policy holds them back: rate lets 60 an hour to be begun. Raise it, if what these jobs use can bear that.',
      },
    ],
    ['failures that are few', { ended: { well: 0, badly: failuresMin - 1 } }, undefined],
    ['failures that are a small part', { ended: { well: 45, badly: 5 } }, undefined],
    [
      'failures that are just too great a part',
      { ended: { well: 44, badly: 5 } },
      {
        kind: 'failing',
        severity: 'warning',
        count: 5,
        title: 'resize: 5 of 49 attempts failed in the last minute (10.2 %)',
        command: 'geartrain dead list resize',
      },
    ],
    [
      'nothing but failures',
      { ended: { well: 0, badly: failuresMin } },
      { severity: 'critical', title: 'resize: 5 of 5 attempts failed in the last minute (100 %)' },
    ],
    [
      'a job that runs for too long',
      { overdue: { count: 1, handle: 'H:web 1:7', startedAt: now - 90 * minute, usualMs: undefined } },
      {
        kind: 'stuck',
        severity: 'warning',
        handle: 'H:web 1:7',
        count: 1,
        since: offsetMs + now - 90 * minute,
        title: 'resize: a job has been running for 90 min',
        advice:
          'Look at the job, and disconnect its worker if that hangs; a timeout in its policy would end such jobs by itself.',
        command: "geartrain job show 'H:web 1:7'",
      },
    ],
    [
      'several, that have a timeout and others that take no time',
      {
        overdue: { count: 1200, handle: 'H:a:7', startedAt: now - 3 * hour, usualMs: 1830 },
        policy: { ...noPolicy, timeoutMs: 4 * hour },
      },
      {
        title: 'resize: 1,200 jobs run for too long, the longest for 3 h',
        advice:
          '95 of 100 of its jobs take 1.8 s at most. Look at the job, and disconnect its worker if that hangs; its timeout of 4 h ends it otherwise.',
      },
    ],
  ]
  for (const [what, given, expected] of rows) {
    it(`${expected === undefined ? 'does not tell of' : 'tells of'} ${what}`, () => {
      const found = findOf(given)
      assert.equal(found.length, expected === undefined ? 0 : 1, JSON.stringify(found))
      assert.deepEqual({ ...found[0], ...expected }, found[0] ?? {})
      if (expected !== undefined) assert.equal(found[0]?.function, 'resize')
    })
  }
})

describe('findings of the server', () => {
  const rows: readonly [what: string, known: Partial<KnownServer>, found: Partial<Finding> | undefined][] = [
    ['nothing', {}, undefined],
    ['a server without a store', { store: undefined }, undefined],
    [
      'a store that fails',
      { store: { ...sound, trouble: { failure, since: now - minute } } },
      {
        kind: 'store failing',
        severity: 'critical',
        since: offsetMs + now - minute,
        title: 'The store does not work: background jobs are refused',
        advice:
          'sqlite:/var/lib/q.db says: database or disk is full (SQLITE_FULL). Free or repair its disk; the server tries again by itself.',
      },
    ],
    ['a store that was slow once', { store: { ...sound, commitP95sMs: [20, 1800] } }, undefined],
    ['a store that was slow', { store: { ...sound, commitP95sMs: [1800, 1900, 20] } }, undefined],
    ['one that is not too slow', { store: { ...sound, commitP95sMs: [1000, 1001] } }, undefined],
    [
      'a store that is slow',
      { store: { ...sound, commitP95sMs: [1, 1001, 1830] } },
      { kind: 'store slow', severity: 'warning', title: 'The store takes 1.8 s to keep jobs' },
    ],
    ['a batch that takes its time', { store: { ...sound, committingSince: now - 2000 } }, undefined],
    [
      'one that takes too long',
      { store: { ...sound, committingSince: now - 2001 } },
      { severity: 'warning', since: offsetMs + now - 2001, title: 'The store has not answered for 2 s' },
    ],
    [
      'a disk that hangs',
      { store: { ...sound, committingSince: now - 45 * second } },
      { severity: 'critical', title: 'The store has not answered for 40 s' },
    ],
    ['a delay that is not too long', { eventLoopDelayMs: 1000 }, undefined],
    [
      'one that is',
      { eventLoopDelayMs: 1001 },
      { kind: 'slow server', severity: 'warning', title: 'The server was too busy to answer for 1.0 s' },
    ],
    ['its end', { isStopping: true }, { kind: 'stopping', title: 'The server is stopping: it takes no more jobs' }],
  ]
  for (const [what, given, expected] of rows) {
    it(`${expected === undefined ? 'does not tell of' : 'tells of'} ${what}`, () => {
      const found = find(given)
      assert.equal(found.length, expected === undefined ? 0 : 1, JSON.stringify(found))
      assert.deepEqual({ ...found[0], ...expected }, found[0] ?? {})
      assert.equal(found[0]?.function, undefined)
    })
  }

  it('says nothing of files and codes to those who may not view everything', () => {
    const [finding] = find({ store: { ...sound, trouble: { failure, since: now } } }, false)
    assert.equal(finding?.kind, 'store failing')
    assert.doesNotMatch(JSON.stringify(finding), /sqlite|disk|full/i)
  })
})

describe('when a job is overdue', () => {
  const rows: readonly [usualMs: number | undefined, afterMs: number][] = [
    [undefined, hour],
    [1, overdueMsMin],
    [overdueMsMin / 10, overdueMsMin],
    [overdueMsMin / 10 + 1, overdueMsMin + 10],
    [6 * minute, hour],
    [hour, hour],
  ]
  for (const [usualMs, afterMs] of rows) {
    it(`is after ${afterMs} ms where others take ${usualMs ?? 'nobody knows what'}`, () => {
      assert.equal(overdueAfterMs(usualMs, thresholds), afterMs)
    })
  }
  it('is never, if that is wished and nothing is known', () => {
    assert.equal(overdueAfterMs(undefined, { ...thresholds, warnRunningMs: forEver }), forEver)
  })
})

describe('the order of findings', () => {
  it('is the worst first, and does not change with every job', () => {
    const long = { oldestReadyAt: now - hour }
    const found = find({
      functions: [
        { ...resize, name: 'waits', ready: 100_000, ...long },
        { ...resize, name: 'few', ready: 90, workers: 0, ...long },
        { ...resize, name: 'b', ready: 5100, workers: 0, ...long },
        { ...resize, name: 'a', ready: 5000, workers: 0, ...long },
        { ...resize, name: 'older', ready: 1000, workers: 0, oldestReadyAt: now - 2 * hour },
        { ...resize, name: 'fails', ended: { well: 40, badly: 10 } },
      ],
      store: { ...sound, trouble: { failure, since: now } },
      eventLoopDelayMs: 2000,
    })
    assert.deepEqual(
      found.map(({ kind, function: name }) => name ?? kind),
      ['store failing', 'older', 'a', 'b', 'few', 'slow server', 'waits', 'fails'],
    )
  })
})

describe('findings that come and go', () => {
  const symptoms = symptomsOf(known({ eventLoopDelayMs: 2000 }), thresholds)
  const stuck = (handle: string, startedAt: number) => {
    const overdue = { count: 1, handle, startedAt, usualMs: undefined }
    return symptomsOf(known({ functions: [{ ...resize, overdue }] }), thresholds)
  }

  it('stay for a while, and are as old as they were', () => {
    const lasting = new LastingSymptoms()
    const sinces = (found: typeof symptoms, at: number) => lasting.update(found, at).map(({ since }) => since)
    assert.deepEqual(sinces(symptoms, now), [now])
    assert.deepEqual(sinces([], now + 1), [now])
    assert.deepEqual(sinces([], now + lingerMs - 1), [now])
    assert.deepEqual(sinces(symptoms, now + lingerMs - 1), [now])
    assert.deepEqual(sinces([], now + 2 * lingerMs - 2), [now])
    assert.deepEqual(sinces([], now + 2 * lingerMs - 1), [])
    assert.deepEqual(sinces(symptoms, now + 2 * lingerMs), [now + 2 * lingerMs])
  })

  it('go at once where somebody has put an end to them', () => {
    const lasting = new LastingSymptoms()
    const paused = { ...resize, ready: 1, policy: { ...noPolicy, paused: true } }
    assert.equal(lasting.update(symptomsOf(known({ functions: [paused] }), thresholds), now).length, 1)
    assert.deepEqual(lasting.update([], now + second), [])
  })

  it('are as old as the first look, however seldom it is looked; but not when nobody has', () => {
    const lasting = new LastingSymptoms()
    lasting.update(symptoms, now)
    assert.equal(lasting.update(symptoms, now + minute)[0]?.since, now)
    assert.equal(lasting.update(symptoms, now + 2 * minute + 1)[0]?.since, now + 2 * minute + 1)
  })

  it('are as old as the job that they name', () => {
    const lasting = new LastingSymptoms()
    assert.equal(lasting.update(stuck('H:a:1', 10), now)[0]?.since, 10)
    assert.equal(lasting.update(stuck('H:a:2', 20), now + second)[0]?.since, 20)
  })
})

describe('names in findings', () => {
  const rows: readonly [what: string, wire: string, shown: string, typed: string | undefined][] = [
    ['plain ones', 'mail.send', 'mail.send', 'mail.send'],
    ['blanks and quotes', 'it\'s $HOME `id` "x"', 'it\'s $HOME `id` "x"', "'it'\\''s $HOME `id` \"x\"'"],
    ['an option', '-n', '-n', "-- '-n'"],
    ['other scripts', 'gr\xc3\xb6\xc3\x9fe', 'größe', "'größe'"],
    ['a pattern', 'a*', 'a*', undefined],
    ['line ends', 'a\nrm -rf ~\r', 'a\ufffdrm -rf ~\ufffd', undefined],
    ['what a terminal obeys', '\x1b[201~\x03x', '\ufffd[201~\ufffdx', undefined],
    ['text that runs backwards', 'a\xe2\x80\xaeb', 'a\ufffdb', undefined],
    ['what is not UTF-8', 'a\xff', 'a\ufffd', undefined],
    ['half of a pair', 'a\xed\xa0\x80', 'a\ufffd\ufffd\ufffd', undefined],
    ['as many characters as are shown', 'x'.repeat(100), 'x'.repeat(100), 'x'.repeat(100)],
    ['one more', 'x'.repeat(101), `${'x'.repeat(100)}…`, 'x'.repeat(101)],
  ]
  for (const [what, wire, shown, typed] of rows) {
    it(`are shown and quoted: ${what}`, () => {
      const [finding] = findOf({ name: wire, ready: 1, oldestReadyAt: now, policy: { ...noPolicy, paused: true } })
      assert.equal(finding?.title, `${shown} is paused, and 1 job waits`)
      assert.equal(finding?.command, typed === undefined ? undefined : `geartrain function resume ${typed}`)
      if (finding?.command === undefined) return
      const read = execFileSync('sh', ['-c', `geartrain() { printf '%s\\0' "$@"; }; ${finding.command}`], {
        encoding: 'utf8',
      })
      const words = read.split('\0')
      assert.equal(words.at(-2), finding.function)
      assert.deepEqual(words.slice(0, 2), ['function', 'resume'])
    })
  }
})
