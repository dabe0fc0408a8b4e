import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clip, fit, printable, sparkline, textWidth } from 'geartrain/dist/text.js'
import type { Frame, FunctionState } from 'geartrain/dist/top/frame.js'
import { pageRows, render } from 'geartrain/dist/top/render.js'
import { initialState, type TopState } from 'geartrain/dist/top/state.js'

// What is on the screen, as text.

const idle: Omit<FunctionState, 'function'> = {
  queued: 0,
  running: 0,
  workers: 0,
  arrivedPerSecond: 0,
  endedPerSecond: 0,
  queue: [0, 0],
  stuck: undefined,
  stillMs: 0,
}

const frame: Frame = {
  atMs: new Date(2024, 0, 2, 3, 4, 5).getTime(),
  servers: [
    { server: '10.0.0.1:4730', version: '1.1.20', connections: 12, problem: undefined, isListTooLong: false },
    {
      server: '[::1]:4731',
      version: undefined,
      connections: undefined,
      problem: 'nothing listens',
      isListTooLong: false,
    },
  ],
  functions: [
    { ...idle, function: 'mail', queued: 5, queue: [1, 3, 5], stuck: 'no workers', stillMs: 3000 },
    {
      ...idle,
      function: 'resize',
      queued: 1200,
      running: 8,
      workers: 9,
      arrivedPerSecond: 120.4,
      endedPerSecond: 99.94,
      queue: [0, 300, 600, 1200],
    },
    {
      ...idle,
      function: 'reports',
      queued: 2,
      running: 1,
      workers: 1,
      queue: [2, 2],
      stuck: 'not moving',
      stillMs: 190_000,
    },
    { ...idle, function: 'bildgröße-\u7e2e\u5c0f', arrivedPerSecond: undefined, endedPerSecond: undefined },
  ],
  workers: [
    { server: '10.0.0.1:4730', fd: 31, ip: '10.0.0.7', clientId: 'resizer-1', functions: ['resize', 'mail'] },
    { server: '10.0.0.1:4730', fd: 32, ip: '10.0.0.8', clientId: undefined, functions: ['reports'] },
  ],
  jobs: [
    { server: '10.0.0.1:4730', handle: 'H:q:17', retries: 0, isBackground: true, isIgnored: false, seenMs: 500 },
    { server: '10.0.0.1:4730', handle: 'H:q:3', retries: 2, isBackground: false, isIgnored: true, seenMs: 7_300_000 },
  ],
}

type Row = {
  readonly name: string
  readonly state: Partial<TopState>
  readonly columns: number
  readonly rows: number
  readonly screen: string
}

const screens: readonly Row[] = [
  {
    name: 'functions',
    state: {},
    columns: 90,
    rows: 12,
    screen: `
geartrain top  03:04:05  every 1 s  functions
[::1]:4731     DOWN  nothing listens
10.0.0.1:4730  up    version 1.1.20, 12 connections
1 server DOWN, 2 STUCK, 1207 queued, 9 running, 2 workers, 4 functions, in 120/s, out 99.…

FUNCTION        QUEUED  RUNNING  WORKERS    IN/S   OUT/S  QUEUE       STUCK
resize            1200        8        9     120    99.9         ▂▄█
mail                 5        0        0     0.0     0.0         ▂▅█  no workers
reports              2        1        1     0.0     0.0          ██  still 3m
bildgröße-縮小       0        0        0       -       -

? help  q quit  / filter  s sort: queued  w workers  j jobs  p pause`,
  },
  {
    name: 'narrow',
    state: { sort: 'function', isReversed: true, isPaused: true },
    columns: 40,
    rows: 10,
    screen: `
geartrain top  03:04:05  every 1 s  fun…
[::1]:4731     DOWN  nothing listens
10.0.0.1:4730  up    version 1.1.20, 12…
1 server DOWN, 2 STUCK, 1207 queued, 9 …

FUNCTION        QUEUED  STUCK
resize            1200
reports              2  still 3m
mail                 5  no workers
? help  q quit  / filter  s sort: funct…`,
  },
  {
    name: 'few rows',
    state: { scroll: 1, intervalMs: 250 },
    columns: 60,
    rows: 5,
    screen: `
geartrain top  03:04:05  every 0.25 s  functions
1 server DOWN, 2 STUCK, 1207 queued, 9 running, 2 workers, …
FUNCTION        QUEUED  RUNNING  WORKERS   OUT/S  STUCK
mail                 5        0        0     0.0  no workers
? help  q quit  / filter  s sort: queued  w workers  j jobs…`,
  },
  {
    name: 'hardly anything',
    state: {},
    columns: 10,
    rows: 3,
    screen: `
geartrain…
FUNCTION
resize`,
  },
  {
    name: 'a filter that is being typed, scrolled beyond its end',
    state: { filter: 'RE', isTyping: true, scroll: 3 },
    columns: 60,
    rows: 9,
    screen: `
geartrain top  03:04:05  every 1 s  functions
1 server DOWN, 2 STUCK, 1207 queued, 9 running, 2 workers, …
FUNCTION  QUEUED  RUNNING  WORKERS   OUT/S  STUCK
resize      1200        8        9    99.9
reports        2        1        1     0.0  still 3m



filter: RE_  (Enter keeps it, Esc clears it)`,
  },
  {
    name: 'workers',
    state: { view: 'workers', filter: 'mail' },
    columns: 70,
    rows: 7,
    screen: `
geartrain top  03:04:05  every 1 s  workers
1 server DOWN, 2 STUCK, 1207 queued, 9 running, 2 workers, 4 function…
CLIENT ID  SERVER         FD  IP        FUNCTIONS
resizer-1  10.0.0.1:4730  31  10.0.0.7  resize mail


? help  q quit  / filter: mail  f functions  j jobs  p pause`,
  },
  {
    name: 'jobs, the oldest first',
    state: { view: 'jobs' },
    columns: 70,
    rows: 6,
    screen: `
geartrain top  03:04:05  every 1 s  jobs
1 server DOWN, 2 STUCK, 1207 queued, 9 running, 2 workers, 4 function…
HANDLE  SERVER         SEEN FOR  RETRIES  KIND
H:q:3   10.0.0.1:4730        2h        2  foreground, cancelled
H:q:17  10.0.0.1:4730        0s        0  background
? help  q quit  / filter  f functions  w workers  p pause`,
  },
  {
    name: 'before a server has answered',
    state: { frame: undefined },
    columns: 80,
    rows: 24,
    screen: '\nasking the servers ...',
  },
]

for (const { name, state, columns, rows, screen } of screens) {
  test(`the screen: ${name}`, () => {
    const lines = render(initialState({ frame, ...state }), columns, rows)
    assert.equal(`\n${lines.join('\n')}`, screen)
  })
}

test('jobs that are too many, and those that nobody asked for yet', () => {
  const [first] = frame.servers
  assert.ok(first !== undefined)
  const rows: [Partial<Frame>, string][] = [
    [{ servers: [{ ...first, isListTooLong: true }], jobs: [] }, '10.0.0.1:4730 has too many jobs to list them'],
    [{ jobs: undefined }, 'asking the servers ...'],
    [{ jobs: [] }, 'no jobs'],
  ]
  for (const [part, sentence] of rows) {
    const lines = render(initialState({ frame: { ...frame, ...part }, view: 'jobs' }), 80, 24)
    assert.ok(lines.includes(sentence), lines.join('\n'))
  }
})

test('more servers than there is room for: those that are down are seen', () => {
  const servers = Array.from({ length: 9 }, (_, i) => ({
    server: `s${i}:4730`,
    version: '1.1.20',
    connections: 1,
    problem: i === 7 ? 'nothing listens' : undefined,
    isListTooLong: false,
  }))
  const lines = render(initialState({ frame: { ...frame, servers } }), 80, 12)
  assert.deepEqual(lines.slice(1, 4), [
    's7:4730  DOWN  nothing listens',
    's0:4730  up    version 1.1.20, 1 connection',
    'and 7 more',
  ])
})

test('whatever the size, no line is too long and none too many', () => {
  const many = Array.from({ length: 50 }, (_, i) => ({ ...idle, function: `f${i}-\u7e2e\u5c0f\u{1f600}e\u0301` }))
  for (const view of ['functions', 'workers', 'jobs'] as const) {
    for (const isHelp of [false, true]) {
      const state = initialState({
        frame: { ...frame, functions: [...frame.functions, ...many] },
        view,
        isHelp,
        scroll: 99,
      })
      for (let columns = 1; columns <= 130; columns++) {
        for (let rows = 1; rows <= 30; rows++) {
          const lines = render(state, columns, rows)
          assert.ok(lines.length <= rows, `${lines.length} lines of ${rows}`)
          for (const line of lines) assert.ok(textWidth(line) <= columns, `${columns}x${rows}: ${line}`)
          assert.ok(pageRows(state, rows) >= 1)
        }
      }
    }
  }
})

test('names that strangers chose do nothing to the terminal', () => {
  const name = 'a\x1b[2J\u009b31m\r\n\u202eb\x07'
  const lines = render(initialState({ frame: { ...frame, functions: [{ ...idle, function: name }] } }), 200, 24)
  for (const line of lines) assert.doesNotMatch(line, /[\p{Cc}\p{Cf}]/u)
  assert.equal(printable(name), 'a\ufffd[2J\ufffd31m\ufffd\ufffd\ufffdb\ufffd')
})

test('text in columns', () => {
  const rows: [text: string, width: number, fitted: string][] = [
    ['abc', 5, 'abc  '],
    ['abc', 3, 'abc'],
    ['abcd', 3, 'ab…'],
    ['縮小', 4, '縮小'],
    ['縮小', 3, '縮…'],
    ['縮小x', 4, '縮… '],
    ['e\u0301e\u0301', 2, 'e\u0301e\u0301'],
    ['abc', 0, ''],
  ]
  for (const [text, width, fitted] of rows) {
    assert.equal(fit(text, width), fitted)
    assert.equal(textWidth(fit(text, width)), width)
  }
  assert.equal(fit('7', 3, true), '  7')
  assert.equal(clip('abcd', 9), 'abcd')
})

test('a sparkline', () => {
  assert.equal(sparkline([0, 1, 4, 8], 4), ' ▁▄█')
  assert.equal(sparkline([5, 5], 4), '  ██')
  assert.equal(sparkline([9, 9, 1, 2], 2), '▄█')
  assert.equal(sparkline([], 3), '   ')
})
