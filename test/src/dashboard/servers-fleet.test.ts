import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Fleet, nextFleet, noFleet } from '@geartrain/dashboard/pages/servers/fleet'
import {
  chosenServers,
  figuresOf,
  fittingFunctions,
  fittingWorkers,
  grouped,
  stateOf,
} from '@geartrain/dashboard/pages/servers/fleet-rows'
import type { WatchedFunction, WatchedServer } from '@geartrain/protocol'

type Counts = readonly [name: string, queued: number, running: number, workers: number]

function functionsOf(rows: readonly Counts[]): WatchedFunction[] {
  return rows.map(([name, queued, running, workers]) => ({ name, queued, running, workers }))
}

function server(address: string, rows: readonly Counts[], rest: Partial<WatchedServer> = {}): WatchedServer {
  return { address, isThis: false, lookedAt: 1, tookMs: 0, functions: functionsOf(rows), workers: [], ...rest }
}

/** After these answers, one each 2 s. */
function fleet(...answers: readonly (readonly WatchedServer[])[]): Fleet {
  return answers.reduce((before, servers, index) => nextFleet(before, { servers }, index * 2000), noFleet)
}

function rows(found: ReturnType<typeof fittingFunctions>) {
  return found.map(({ name, server: place, queued, change }) => [name, place, queued, change])
}

describe('a server that says the same again and again', () => {
  test('has rows of their own for all of it', () => {
    const count = 50_000
    const worker = { number: 1, address: '10.0.0.1', clientId: '-', functions: ['f'] }
    const strange = server('a:1', Array<Counts>(count).fill(['f', 1, 0, 0]), { workers: Array(count).fill(worker) })
    const [found] = fleet([strange], [strange]).servers
    assert.equal(new Set(found?.functions.map(({ key }) => key)).size, count)
    assert.equal(new Set(found?.workers.map(({ key }) => key)).size, count)
  })
})

describe('what has changed since the look before', () => {
  test('is nothing at the first look, and by how much a queue has grown or shrunk at the next one', () => {
    const first = server('a:1', [
      ['f', 3, 0, 1],
      ['g', 2, 0, 1],
    ])
    assert.deepEqual(rows(fittingFunctions(fleet([first]).servers, '', false)), [
      ['f', 'a:1', 3, 0],
      ['g', 'a:1', 2, 0],
    ])
    const second = server(
      'a:1',
      [
        ['f', 1, 0, 1],
        ['new', 7, 0, 1],
      ],
      { lookedAt: 2 },
    )
    const { servers } = fleet([first], [second])
    assert.deepEqual(rows(fittingFunctions(servers, '', false)), [
      ['f', 'a:1', 1, -2],
      ['new', 'a:1', 7, 7],
    ])
    // What has gone counts as well.
    assert.deepEqual([servers[0]?.queued, servers[0]?.change], [8, 3])
  })

  test('stays while nobody has looked again, also if the server fails meanwhile', () => {
    const first = server('a:1', [['f', 3, 0, 1]])
    const second = server('a:1', [['f', 5, 0, 1]], { lookedAt: 2 })
    const failing = { ...second, failure: 'nothing listens on a:1', failingSince: 3 }
    const { servers } = fleet([first], [second], [failing])
    assert.deepEqual([servers[0]?.queued, servers[0]?.change, servers[0]?.server.failure], [5, 2, failing.failure])
  })

  test('is nothing for a server that is looked at for the first time after it has failed', () => {
    const unknown: WatchedServer = { address: 'a:1', isThis: false, failure: 'no', functions: [], workers: [] }
    const { servers } = fleet([unknown], [server('a:1', [['f', 5, 0, 1]])])
    assert.equal(servers[0]?.change, 0)
    assert.deepEqual(servers[0]?.history, [null, 5])
  })

  test('is not that of another server in its place', () => {
    const { servers } = fleet([server('a:1', [['f', 5, 0, 1]])], [server('b:1', [['f', 9, 0, 1]], { lookedAt: 2 })])
    assert.deepEqual([servers[0]?.change, servers[0]?.history], [0, [9]])
  })

  test('leaves rows the same that are as they were', () => {
    const before = fleet([
      server('a:1', [
        ['f', 5, 0, 1],
        ['g', 1, 0, 1],
      ]),
    ])
    const after = nextFleet(
      before,
      {
        servers: [
          server(
            'a:1',
            [
              ['f', 5, 0, 1],
              ['g', 2, 0, 1],
            ],
            { lookedAt: 2 },
          ),
        ],
      },
      1,
    )
    const [old, fresh] = [before, after].map(({ servers }) => servers[0]?.functions)
    assert.equal(fresh?.[0], old?.[0])
    assert.notEqual(fresh?.[1], old?.[1])
  })

  test('is kept of the last 150 answers', () => {
    const answers = Array.from({ length: 151 }, (_, index) => [
      server('a:1', [['f', index, 0, 1]], { lookedAt: index }),
    ])
    const { servers, times } = fleet(...answers)
    assert.deepEqual([servers[0]?.history.length, servers[0]?.history[0], times.length, times[0]], [150, 1, 150, 2000])
  })
})

test('a server can tell the same name twice, and there be twice', () => {
  const { servers } = fleet([
    server('a:1', [
      ['f', 1, 0, 0],
      ['f', 1, 0, 0],
    ]),
    server('a:1', [['f', 1, 0, 0]]),
  ])
  const keys = fittingFunctions(servers, '', false).map(({ key }) => key)
  assert.equal(new Set([...keys, ...servers.map(({ key }) => key)]).size, 5)
})

describe('figures', () => {
  const down: WatchedServer = { address: 'c:1', isThis: false, failure: 'no', functions: [], workers: [] }
  const unknown: WatchedServer = { address: 'd:1', isThis: false, functions: [], workers: [] }
  const worker = { number: 1, address: '10.0.0.1', clientId: '-', functions: ['f'] }

  test('are sums, of functions by their names', () => {
    const one = server(
      'a:1',
      [
        ['f', 3, 1, 2],
        ['lost', 4, 0, 0],
        ['old', 0, 0, 0],
      ],
      { workers: [worker] },
    )
    const other = server('b:1', [['f', 1, 0, 0]], { workers: [worker, worker] })
    assert.deepEqual(figuresOf(fleet([one, other, down, unknown]).servers), {
      queued: 8,
      change: 0,
      running: 1,
      functions: 3,
      workers: 3,
      orphans: 2,
      up: 2,
      down: 1,
      unknown: 1,
      history: [8],
    })
  })

  test('of a server that came later, the first ones of its queue are not known', () => {
    const one = server('a:1', [['f', 3, 0, 1]])
    const { servers } = fleet([one], [one, server('b:1', [['f', 1, 0, 1]])])
    assert.deepEqual(figuresOf(servers).history, [3, 4])
    assert.deepEqual(figuresOf([]).history, [])
  })
})

describe('what is shown', () => {
  const both = fleet([
    server('a:1', [
      ['mail.send', 3, 1, 2],
      ['Resize', 4, 0, 0],
    ]),
    server(
      'b:1',
      [
        ['mail.send', 1, 0, 1],
        ['other', 0, 0, 1],
      ],
      {
        workers: [
          { number: 7, address: '10.0.0.1', clientId: 'Mailer', functions: ['mail.send'] },
          { number: 8, address: '10.0.0.2', clientId: '-', functions: ['other', 'resize'] },
        ],
      },
    ),
  ]).servers

  const chosen: readonly [text: string, addresses: readonly string[]][] = [
    ['', ['a:1', 'b:1']],
    ['b:1', ['b:1']],
    ['b:1,a:1', ['a:1', 'b:1']],
    ['b:1,gone:1', ['b:1']],
    ['gone:1', ['a:1', 'b:1']],
    [',,', ['a:1', 'b:1']],
  ]
  for (const [text, addresses] of chosen) {
    test(`of the servers "${text}"`, () => {
      const found = chosenServers(both, text)
      assert.deepEqual(
        found.map((each) => each.server.address),
        addresses,
      )
    })
  }

  const filters: readonly [text: string, isOrphan: boolean, names: readonly string[]][] = [
    ['', false, ['mail.send', 'Resize', 'mail.send', 'other']],
    ['MAIL', false, ['mail.send', 'mail.send']],
    ['resize', false, ['Resize']],
    ['.*', false, []],
    ['', true, ['Resize']],
    ['mail', true, []],
  ]
  for (const [text, isOrphan, names] of filters) {
    test(`functions that fit "${text}"${isOrphan ? ' without a worker' : ''}`, () => {
      assert.deepEqual(
        fittingFunctions(both, text, isOrphan).map(({ name }) => name),
        names,
      )
    })
  }

  const workers: readonly [text: string, numbers: readonly number[]][] = [
    ['', [7, 8]],
    ['mailer', [7]],
    ['10.0.0.2', [8]],
    ['RESIZE', [8]],
    ['nobody', []],
  ]
  for (const [text, numbers] of workers) {
    test(`workers that fit "${text}"`, () => {
      assert.deepEqual(
        fittingWorkers(both, text).map(({ number }) => number),
        numbers,
      )
    })
  }

  test('sums of a function, unless one server alone has it', () => {
    const sums = grouped(fittingFunctions(both, '', false), 'function')
    assert.deepEqual(rows(sums), [
      ['mail.send', '2 servers', 4, 0],
      ['Resize', 'a:1', 4, 0],
      ['other', 'b:1', 0, 0],
    ])
    assert.deepEqual([sums[0]?.running, sums[0]?.workers, sums[0]?.members?.length], [1, 3, 2])
    assert.equal(sums[1]?.members, undefined)
  })

  test('sums of a server', () => {
    const sums = grouped(fittingFunctions(both, '', false), 'server')
    assert.deepEqual(rows(sums), [
      ['a:1', '2 functions', 7, 0],
      ['b:1', '2 functions', 1, 0],
    ])
    assert.deepEqual(
      sums.map(({ orphans, isOpenAtFirst }) => [orphans, isOpenAtFirst]),
      [
        [1, true],
        [0, true],
      ],
    )
  })

  test('of more than 100 functions the sums alone, at first', () => {
    const many = Array.from({ length: 101 }, (_, index): Counts => [`f${index}`, 0, 0, 1])
    const open = (counts: readonly Counts[]) =>
      grouped(fittingFunctions(fleet([server('a:1', counts)]).servers, '', false), 'server')[0]?.isOpenAtFirst
    assert.deepEqual([open(many.slice(1)), open(many)], [true, false])
  })
})

test('the state of a function', () => {
  const states: readonly [queued: number, running: number, workers: number, state: string][] = [
    [1, 0, 0, 'no worker'],
    [1, 1, 0, 'no worker'],
    [1, 1, 1, 'running'],
    [0, 1, 0, 'running'],
    [1, 0, 1, 'waiting'],
    [0, 0, 1, 'idle'],
    [0, 0, 0, 'not registered'],
  ]
  for (const [queued, running, workers, state] of states) {
    const [row] = fittingFunctions(fleet([server('a:1', [['f', queued, running, workers]])]).servers, '', false)
    assert.equal(row && stateOf(row), state)
  }
})
