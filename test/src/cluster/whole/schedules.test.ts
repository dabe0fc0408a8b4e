import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { eventually } from '../../support/postgres/eventually.ts'
import { sharedPostgres } from '../../support/postgres/shared-postgres.ts'
import { type Member, startPair } from './fleet.ts'
import { Hands, startWorker } from './hands.ts'

// Schedules fire once, whoever of the servers is there.

const postgres = sharedPostgres()
const flags = ['--lease', '3s']

interface Run {
  readonly dueAt: number
  readonly outcome: string
  readonly handle?: string
}

async function history(member: Member, name: string): Promise<readonly Run[]> {
  const { history: runs } = await member.json<{ readonly history: readonly Run[] }>(`/api/schedules/${name}`)
  return runs.toSorted((one, other) => one.dueAt - other.dueAt)
}

/** Each of the times has come once, and none is missing. */
function assertEachSecondOnce(runs: readonly Run[]): void {
  const [first] = runs
  assert.deepEqual(
    runs.map(({ dueAt, outcome }) => [dueAt, outcome]),
    runs.map((_, index) => [(first?.dueAt ?? 0) + index * 1000, 'submitted']),
  )
}

suite('schedules of a cluster', { skip: postgres.skip, concurrency: 2 }, () => {
  test('set at one, they fire once; when the other is killed they go on, once', async () => {
    await using pair = await startPair(postgres, { flags })
    const { a, b } = pair
    const came: string[] = []
    const count = (job: { readonly handle: string }) => void came.push(job.handle.replace(/.*:/, ''))
    await using _atB = await startWorker(b, 'tick', count)
    await using _atA = await startWorker(a, 'tick', count)
    await b.tell(['schedule', 'add', 'each-second', 'tick', '--every', '1s', '--missed', 'all'])
    await eventually(
      'A knows it',
      async () => (await a.tell(['schedule', 'list'])).includes('each-second') || undefined,
    )
    await eventually('it has fired six times', () => came.length >= 6 || undefined)
    assertEachSecondOnce(await history(b, 'each-second'))

    await a.kill()
    const before = came.length
    await eventually('it goes on', () => came.length >= before + 5 || undefined)
    await b.tell(['schedule', 'pause', 'each-second'])
    const runs = await history(b, 'each-second')
    assertEachSecondOnce(runs)
    // What ran when A was killed may come again.
    await eventually('all jobs have come', () => new Set(came).size >= runs.length || undefined)
    assert.deepEqual([...new Set(came)].sort(), runs.map(({ handle = '' }) => handle.replace(/.*:/, '')).toSorted())
  })

  test('the one that sees to schedules is killed: another one does, and makes up for what was missed', async () => {
    await using pair = await startPair(postgres, { flags })
    const { a, b } = pair
    await a.tell(['schedule', 'add', 'each-second', 'tick', '--every', '1s', '--missed', 'all'])
    await eventually('it has fired', async () => (await history(a, 'each-second')).length >= 2 || undefined)
    const leaderOf = async (member: Member) => {
      const { cluster } = await member.json<{
        readonly cluster: { readonly servers: readonly { readonly name: string; readonly isLeader: boolean }[] }
      }>('/api/server')
      return cluster.servers.find(({ isLeader }) => isLeader)?.name
    }
    const leader = await eventually('one of them sees to schedules', () => leaderOf(a))
    const [lost, left] = leader === a.name ? [a, b] : [b, a]
    const before = (await history(left, 'each-second')).length
    await lost.kill()
    await eventually('it goes on', async () => (await history(left, 'each-second')).length >= before + 4 || undefined)
    assertEachSecondOnce(await history(left, 'each-second'))
    assert.equal(await leaderOf(left), left.name)
  })

  test('without overlap, a job that runs at the other server counts', async () => {
    await using pair = await startPair(postgres, { flags })
    const { a, b } = pair
    await using hands = await Hands.at(a, 'long')
    await b.tell(['schedule', 'add', 'no-overlap', 'long', '--every', '1s', '--no-overlap'])
    const { finish } = await hands.next()
    await eventually('two times were left out', async () => {
      const runs = await history(b, 'no-overlap')
      return runs.filter(({ outcome }) => outcome === 'skipped: still running').length >= 2 || undefined
    })
    assert.equal(hands.jobs.length, 1)
    finish()
    await hands.next()
  })

  test('paused, run by hand, and removed at the other server', async () => {
    await using pair = await startPair(postgres, { flags })
    const { a, b } = pair
    await using hands = await Hands.at(a, 'by-hand')
    await a.tell(['schedule', 'add', 'far', 'by-hand', 'the payload', '--at', '+1d'])
    await b.tell(['schedule', 'run', 'far'])
    const { job, finish } = await hands.next()
    assert.equal(job.text(), 'the payload')
    finish()
    await b.tell(['schedule', 'pause', 'far'])
    await eventually('it is paused at A', async () => {
      return (await a.json<{ paused: boolean }>('/api/schedules/far')).paused || undefined
    })
    await b.tell(['schedule', 'remove', 'far'])
    await eventually('it is gone at A', async () => (await a.http('/api/schedules/far')).status === 404 || undefined)
    await a.tell(['schedule', 'show', 'far'], 1)
  })
})
