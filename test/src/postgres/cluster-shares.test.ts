import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { LimitShare } from '@geartrain/server'
import fc from 'fast-check'
import { sharedPostgres } from '../support/postgres/shared-postgres.ts'
import { type Connection, Crowd, fairParts, Shares, type TestMember } from './cluster-parts.ts'

const postgres = sharedPostgres()
const { skip } = postgres

/** What a server does with its part of one limit: it begins jobs of its backlog, as many as it was told that it may. */
class Runner {
  readonly id: number
  readonly shares: Shares
  running = 0
  backlog = 0
  concurrency = 0
  rate = 0
  readonly #connection: Connection

  constructor(id: number, connection: Connection) {
    this.id = id
    this.#connection = connection
    this.shares = new Shares((shares: readonly LimitShare[]) => {
      this.concurrency = shares[0]?.concurrency ?? 0
      this.rate = shares[0]?.rate ?? 0
    })
  }

  get wanted(): number {
    return this.running + this.backlog
  }

  begin(): void {
    const count = Math.max(0, Math.min(this.backlog, this.concurrency - this.running))
    this.running += count
    this.backlog -= count
  }

  demand(concurrency: number, rate: number): void {
    // One that has nothing to do with it does not name it.
    if (this.wanted === 0) return this.shares.demand([])
    this.shares.demand([{ function: 'f', concurrency, rate, running: this.running, wanted: this.backlog }])
  }

  round(databaseMs: number): Promise<boolean> {
    return this.shares.round(this.#connection, this.id, undefined, databaseMs)
  }
}

const row = 'SELECT server_id, coalesce(concurrency, 0), rate::text FROM geartrain.shares ORDER BY server_id'

suite('parts of a limit', { skip }, () => {
  test('whatever servers want: never more than the limit, and in the end the fair parts', async () => {
    await using crowd = await Crowd.make(await postgres.process())
    const ids = [
      await crowd.lease('one', 600_000),
      await crowd.lease('two', 600_000),
      await crowd.lease('three', 600_000),
    ]
    const connections = await Promise.all(ids.map(() => crowd.connection()))
    const server = fc.nat(ids.length - 1)
    const step = fc.oneof(
      fc.record({ kind: fc.constant('submit' as const), server, count: fc.integer({ min: 1, max: 12 }) }),
      fc.record({ kind: fc.constant('begin' as const), server, count: fc.constant(0) }),
      fc.record({ kind: fc.constant('end' as const), server, count: fc.integer({ min: 1, max: 8 }) }),
      fc.record({ kind: fc.constant('demand' as const), server, count: fc.constant(0) }),
      fc.record({ kind: fc.constant('round' as const), server, count: fc.constant(0) }),
      fc.record({ kind: fc.constant('rounds at once' as const), server, count: fc.constant(0) }),
    )
    const rate = 10
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 9 }),
        fc.array(step, { minLength: 20, maxLength: 60 }),
        async (limit, steps) => {
          await crowd.rows('DELETE FROM geartrain.shares')
          const runners = ids.map((id, index) => new Runner(id, connections[index] ?? assert.fail()))
          let now = 1e12
          const check = async () => {
            const rows = await crowd.rows<[number, number, string | null]>(row)
            const parts = new Map(
              rows.map(([id, concurrency, perSecond]) => [id, { concurrency, rate: Number(perSecond ?? 0) }]),
            )
            const sum = [...parts.values()].reduce((all, each) => all + each.concurrency, 0)
            const rates = [...parts.values()].reduce((all, each) => all + each.rate, 0)
            assert.ok(sum <= limit, `${sum} of ${limit}`)
            assert.ok(rates < rate + 1e-6, `${rates} a second`)
            for (const { id, concurrency, running, rate: told } of runners) {
              const part = parts.get(id) ?? { concurrency: 0, rate: 0 }
              assert.ok(
                Math.max(concurrency, running) <= part.concurrency,
                `${id} may run ${concurrency}, runs ${running} and has ${part.concurrency}`,
              )
              assert.ok(told <= part.rate, `${id} may begin ${told} a second and has ${part.rate}`)
            }
          }
          for (const { kind, server: index, count } of steps) {
            const runner = runners[index] ?? assert.fail()
            if (kind === 'submit') runner.backlog += count
            else if (kind === 'begin') runner.begin()
            else if (kind === 'end') runner.running -= Math.min(count, runner.running)
            else if (kind === 'demand') runner.demand(limit, rate)
            else if (kind === 'round') await runner.round((now += 4000))
            else await Promise.all(runners.map((each) => each.round(now)))
            await check()
          }
          now += 100_000
          // From now on what they want stays the same, and jobs end from time to time.
          for (let rounds = 0; rounds < 12; rounds++) {
            for (const runner of runners) {
              const { running } = runner
              runner.running = 0
              runner.backlog += running
              runner.begin()
              runner.demand(limit, rate)
              await runner.round(now)
              await check()
            }
          }
          const parts = runners.map(({ id, wanted }) => ({ serverId: id, has: 0, wanted }))
          const fair = fairParts(limit, parts, Math.floor(now / 30_000), true)
          for (const [index, { concurrency }] of runners.entries())
            assert.ok(concurrency >= (fair[index] ?? 0), `${concurrency} of ${fair.join()}`)
          const active = runners.filter(({ wanted }) => wanted > 0)
          for (const each of active)
            assert.ok(each.rate >= rate / active.length - 1e-6, `${each.rate} a second of ${rate} for ${active.length}`)
        },
      ),
      { numRuns: 12 },
    )
  })

  test('of several that want all of it at the same instant', async () => {
    await using crowd = await Crowd.make(await postgres.process())
    const ids = [
      await crowd.lease('one', 600_000),
      await crowd.lease('two', 600_000),
      await crowd.lease('three', 600_000),
    ]
    const connections = await Promise.all(ids.map(() => crowd.connection()))
    for (let times = 0; times < 20; times++) {
      const runners = ids.map((id, index) => new Runner(id, connections[index] ?? assert.fail()))
      for (const runner of runners) {
        runner.backlog = 9
        runner.demand(4, 7)
      }
      await Promise.all(runners.map((runner) => runner.round(1e12)))
      const sums = await crowd.rows('SELECT sum(concurrency), sum(rate)::float8 < 7.000001 FROM geartrain.shares')
      assert.deepEqual(sums, [[4, 't']])
      await crowd.rows('DELETE FROM geartrain.shares')
    }
  })

  test('a limit of 1 goes to where there is something to do, and never to two', async () => {
    await using crowd = await Crowd.make(await postgres.process())
    const members = [await crowd.join('one'), await crowd.join('two')]
    const [one, two] = members
    if (one === undefined || two === undefined) return assert.fail()
    const has = (member: TestMember) => member.shares.some((share) => share.concurrency === 1)
    for (const member of members) {
      member.onShares = () => assert.ok(members.filter(has).length <= 1)
      demand(member, 0, 0)
    }
    for (const [busy, idle] of [
      [one, two],
      [two, one],
      [one, two],
    ] as const) {
      demand(busy, 0, 1)
      // The one that had it has nothing to do: it says so when it is asked for less.
      idle.onShares = () => {
        assert.ok(members.filter(has).length <= 1)
        demand(idle, 0, 0)
      }
      busy.onShares = undefined
      await busy.until('it may run one', has)
      assert.equal(has(idle), false)
      demand(busy, 1, 0)
      demand(busy, 0, 0)
    }
    // Nobody is to wait for the lease of one that leaves.
    await one.cluster.close()
    assert.deepEqual(await crowd.rows('SELECT server_id FROM geartrain.shares WHERE server_id = $1', [one.id]), [])
  })

  test('a server that opens anew keeps its parts, and others can not have them meanwhile', async () => {
    await using crowd = await Crowd.make(await postgres.process())
    const one = await crowd.join('one')
    demand(one, 0, 1)
    await one.until('it may run one', ({ shares }) => shares[0]?.concurrency === 1)
    demand(one, 1, 0)
    await one.cluster.stop()
    await crowd.rows("UPDATE geartrain.servers SET ended = true, lease_until = clock_timestamp() + interval '1 minute'")
    const two = await crowd.join('two')
    demand(two, 0, 1)
    await two.until('it is told that it has none', ({ shares }) => shares[0]?.concurrency === 0)
    one.shares = []
    await one.open()
    await one.until('it has it with its new id', ({ id, shares }) => id === 3 && shares[0]?.concurrency === 1)
    assert.deepEqual(await crowd.rows('SELECT server_id FROM geartrain.shares WHERE concurrency = 1'), [[one.id]])
    assert.equal(two.shares[0]?.concurrency, 0)
  })

  test('what is not limited in one way has no part in it; what is not named is given back', async () => {
    await using crowd = await Crowd.make(await postgres.process())
    const id = await crowd.lease('one', 60_000)
    const connection = await crowd.connection()
    let told: readonly LimitShare[] = []
    const shares = new Shares((all) => {
      told = all
    })
    const limits = [
      { function: 'both', concurrency: 5, rate: 2.5 },
      { function: 'rate', concurrency: Infinity, rate: 1 },
      { function: 'number\u00ff', concurrency: 3, rate: Infinity },
    ]
    shares.demand(limits.map((limit) => ({ ...limit, running: 0, wanted: 10 })))
    await shares.round(connection, id, undefined, 0)
    assert.deepEqual(told, limits)
    // The limit becomes smaller while more than that run.
    // The limit becomes smaller while more than that run; the others have nothing to do.
    const round = async (both: { readonly running: number } | undefined, seconds = 0) => {
      shares.demand(both === undefined ? [] : [{ function: 'both', concurrency: 2, rate: 2.5, wanted: 6, ...both }])
      await shares.round(connection, id, undefined, seconds * 1000)
      const rows = "SELECT convert_from(function, 'LATIN1'), concurrency FROM geartrain.shares ORDER BY 1"
      return (await crowd.rows<[string, number | null]>(rows)).map(([name, has]) => `${name} ${has}`)
    }
    const others = ['number\u00ff 3', 'rate null']
    assert.deepEqual(await round({ running: 4 }), ['both 5', ...others])
    assert.deepEqual(told[0], { function: 'both', concurrency: 2, rate: 2.5 })
    assert.deepEqual(await round({ running: 4 }), ['both 4', ...others])
    assert.deepEqual(await round({ running: 1 }), ['both 2', ...others])
    assert.deepEqual(await round(undefined, 9), ['both 2', ...others])
    // First it is told, and then it is given back.
    assert.deepEqual(await round({ running: 0 }, 11), ['both 2', ...others])
    assert.deepEqual(
      told.map(({ concurrency, rate }) => concurrency + rate),
      [4.5, 0, 0],
    )
    assert.deepEqual(await round({ running: 0 }, 11), ['both 2'])
    await round(undefined, 12)
    await round(undefined, 22)
    assert.equal(shares.isIdle, false)
    assert.deepEqual(await round(undefined, 22), [])
    await round(undefined, 22)
    assert.equal(shares.isIdle, true)
    assert.deepEqual(told.at(-1), { function: 'both', concurrency: 0, rate: 0 })
  })

  test('a server whose lease has ended takes none', async () => {
    await using crowd = await Crowd.make(await postgres.process())
    const id = await crowd.lease('one')
    await crowd.rows('UPDATE geartrain.servers SET ended = true')
    const shares = new Shares(() => {})
    shares.demand([{ function: 'f', concurrency: 1, rate: 1, running: 0, wanted: 1 }])
    await assert.rejects(shares.round(await crowd.connection(), id, undefined, 0), { code: 'LEASE_LOST' })
    assert.deepEqual(await crowd.rows('SELECT 1 FROM geartrain.shares'), [])
  })
})

function demand({ cluster }: TestMember, running: number, wanted: number): void {
  cluster.demand([{ function: 'f', concurrency: 1, rate: Infinity, running, wanted }])
}
