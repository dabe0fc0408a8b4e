import assert from 'node:assert/strict'
import { test } from 'node:test'
import { History, type Look } from 'geartrain/dist/top/history.js'
import { initialState, press, type TopState } from 'geartrain/dist/top/state.js'

// What keys make of the screen, and what can be told from looks at servers.

const key = (name: string) => ({ name, sequence: name })

function pressAll(keys: readonly string[], start: Partial<TopState> = {}): TopState | 'quit' {
  let state: TopState | 'quit' = initialState(start)
  for (const name of keys) {
    if (state === 'quit') throw new Error('it has quit before')
    state = press(state, key(name), 10)
  }
  return state
}

const frame = {
  atMs: 0,
  servers: [],
  functions: Array.from({ length: 30 }, (_, i) => ({
    function: `f${i}`,
    queued: 0,
    running: 0,
    workers: 0,
    arrivedPerSecond: 0,
    endedPerSecond: 0,
    queue: [],
    stuck: undefined,
    stillMs: 0,
  })),
  workers: [],
  jobs: undefined,
}

const keyRows: readonly [keys: readonly string[], changed: Partial<TopState> | 'quit'][] = [
  [['q'], 'quit'],
  [['w'], { view: 'workers' }],
  [['w', 'j'], { view: 'jobs' }],
  [['tab', 'tab', 'tab', 'tab'], { view: 'workers' }],
  [['s'], { sort: 'running' }],
  [['S'], { sort: 'function' }],
  [['r'], { isReversed: true }],
  [['p'], { isPaused: true }],
  [['p', ' '], {}],
  [['+', '+'], { intervalMs: 5000 }],
  [['-', '-', '-', '-', '-'], { intervalMs: 250 }],
  [['/', 'q', ' ', 'w'], { isTyping: true, filter: 'q w' }],
  [['/', 'a', 'b', 'backspace', 'return', 'p'], { filter: 'a', isPaused: true }],
  [['/', 'a', 'escape'], {}],
  [['/', 'a', 'return', 'escape'], {}],
  [['?'], { isHelp: true }],
  [['?', 'q'], {}],
  [['down', 'down', 'up'], { scroll: 1 }],
  [['up'], {}],
  [['pagedown', 'pagedown', 'pageup'], { scroll: 10 }],
  [['end'], { scroll: 29 }],
  [['end', 'pagedown', 'home'], {}],
  [['end', 'f'], {}],
  [['x', 'Q'], {}],
]

for (const [keys, changed] of keyRows) {
  test(`keys: ${keys.join(' ')}`, () => {
    const expected = changed === 'quit' ? changed : initialState({ frame, ...changed })
    assert.deepEqual(pressAll(keys, { frame }), expected)
  })
}

test('Ctrl-C quits wherever one is', () => {
  for (const state of [{}, { isTyping: true }, { isHelp: true }]) {
    assert.equal(press(initialState(state), { name: 'c', sequence: '\x03', ctrl: true }, 10), 'quit')
  }
})

test('control characters do not get into the filter', () => {
  const state = initialState({ isTyping: true })
  assert.deepEqual(press(state, { name: 'a', sequence: '\x01', ctrl: true }, 10), state)
  assert.deepEqual(press(state, { name: 'up', sequence: '\x1b[A' }, 10), state)
})

const look = (...functions: [name: string, jobs: number, running: number, workers: number][]): Look => ({
  version: '1',
  functions: functions.map(([name, jobs, running, workers]) => ({ function: name, jobs, running, workers })),
  connections: undefined,
  jobs: undefined,
})

/** Name, queued, running, workers, in/s, out/s. */
function rows(history: History, now: number) {
  return history
    .frame(now, 0)
    .functions.map((row) => [
      row.function,
      row.queued,
      row.running,
      row.workers,
      row.arrivedPerSecond,
      row.endedPerSecond,
    ])
}

test('rates are what the counts say at least', () => {
  const history = new History(['a'])
  history.take('a', look(['f', 10, 2, 2]), 0)
  assert.deepEqual(rows(history, 0), [['f', 8, 2, 2, undefined, undefined]])
  // Three ended; five came; then one running ended and another came.
  history.take('a', look(['f', 7, 2, 2]), 250)
  history.take('a', look(['f', 12, 2, 2]), 500)
  history.take('a', look(['f', 12, 1, 2]), 750)
  assert.deepEqual(rows(history, 2000), [['f', 11, 1, 2, 3, 2]])
  assert.deepEqual(rows(history, 3000), [['f', 11, 1, 2, 0, 0]])
  // It is dropped, with its jobs.
  history.take('a', look(), 3250)
  assert.deepEqual(rows(history, 4000), [])
})

test('functions are summed up over the servers', () => {
  const history = new History(['a', 'b'])
  history.take('a', look(['f', 3, 1, 1], ['g', 0, 0, 1]), 0)
  assert.equal(history.isComplete, false)
  history.take('b', look(['f', 5, 2, 3]), 0)
  assert.equal(history.isComplete, true)
  assert.deepEqual(rows(history, 0), [
    ['f', 5, 3, 4, undefined, undefined],
    ['g', 0, 0, 1, undefined, undefined],
  ])
})

test('a server that is lost and back has done nothing meanwhile', () => {
  const history = new History(['a'])
  history.take('a', look(['f', 100, 0, 0]), 0)
  history.take('a', look(['f', 90, 0, 0]), 250)
  history.frame(1000, 0)
  history.take('a', { problem: 'nothing listens' }, 1250)
  const down = history.frame(2000, 0)
  assert.deepEqual(down.servers, [
    { server: 'a', version: '1', connections: undefined, problem: 'nothing listens', isListTooLong: false },
  ])
  assert.deepEqual(down.functions, [])
  history.take('a', look(['f', 2, 0, 0]), 2250)
  history.take('a', look(['f', 1, 0, 0]), 2500)
  assert.deepEqual(rows(history, 3000), [['f', 1, 0, 0, 0, 1]])
})

test('what is stuck', () => {
  const history = new History(['a'])
  const stuck = (now: number) => history.frame(now, 0).functions.map((row) => [row.function, row.stuck, row.stillMs])
  history.take('a', look(['nobody', 1, 0, 0], ['long', 5, 2, 2], ['busy', 5, 2, 2], ['idle', 0, 0, 0]), 0)
  assert.deepEqual(stuck(0), [
    ['nobody', 'no workers', 0],
    ['long', undefined, 0],
    ['busy', undefined, 0],
    ['idle', undefined, 0],
  ])
  // More that come are no progress.
  history.take('a', look(['nobody', 1, 0, 0], ['long', 9, 2, 2], ['busy', 5, 2, 2], ['idle', 0, 0, 0]), 5000)
  history.take('a', look(['nobody', 1, 0, 0], ['long', 9, 2, 2], ['busy', 4, 2, 2], ['idle', 0, 0, 0]), 9999)
  assert.deepEqual(stuck(9999)[1], ['long', undefined, 9999])
  assert.deepEqual(stuck(10_000), [
    ['nobody', 'no workers', 10_000],
    ['long', 'not moving', 10_000],
    ['busy', undefined, 1],
    ['idle', undefined, 0],
  ])
  history.take('a', look(['long', 8, 2, 2]), 11_000)
  assert.deepEqual(stuck(11_000), [['long', undefined, 0]])
})

test('how long a job has been in the list', () => {
  const history = new History(['a'])
  const withJobs = (...handles: string[]): Look => ({
    version: '1',
    functions: [],
    connections: undefined,
    jobs: handles.map((handle) => ({ handle, retries: 0, isIgnored: false, isBackground: true })),
  })
  const seen = (now: number) => history.frame(now, 0).jobs?.map(({ handle, seenMs }) => [handle, seenMs])
  history.take('a', look(), 0)
  assert.equal(seen(0), undefined)
  history.take('a', withJobs('1', '2'), 1000)
  history.take('a', withJobs('2', '3'), 2000)
  history.take('a', look(), 2500)
  assert.deepEqual(seen(3000), [
    ['2', 2000],
    ['3', 1000],
  ])
  history.take('a', { version: '1', functions: [], connections: undefined, jobs: 'too many' }, 3500)
  const { servers, jobs } = history.frame(4000, 0)
  assert.deepEqual([servers[0]?.isListTooLong, jobs], [true, []])
})

test('the queue of the last frames', () => {
  const history = new History(['a'])
  for (let i = 0; i < 130; i++) {
    history.take('a', look(['f', i, 0, 0]), i)
    history.frame(i, 0)
  }
  const queue = history.frame(130, 0).functions[0]?.queue
  assert.deepEqual([queue?.length, queue?.[0], queue?.at(-1)], [120, 11, 129])
})
