import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { Client, ConnectionLostError } from '@geartrain/client'
import { eventually } from '../../support/postgres/eventually.ts'
import { sharedPostgres } from '../../support/postgres/shared-postgres.ts'
import { Member, startPair } from './fleet.ts'
import { Hands, startWorker } from './hands.ts'

// Servers that are killed, stand still, stop and come again.

const postgres = sharedPostgres()
const flags = ['--lease', '3s']
const jobs = 300

interface Cluster {
  readonly servers: readonly {
    readonly name: string
    readonly isThis: boolean
    readonly address?: string
    readonly version: string
  }[]
}

async function submitAll(member: Member, name: string, count: number): Promise<void> {
  await using client = await Client.connect(member.address)
  await Promise.all(Array.from({ length: count }, (_, index) => client.submitBackground(name, `${index}`)))
}

async function openJobs(member: Member, name: string): Promise<number> {
  return (await member.json<{ readonly count: number }>(`/api/jobs/count?function=${name}`)).count
}

suite('servers of a cluster', { skip: postgres.skip, concurrency: 2 }, () => {
  test('killed: jobs that it had claimed and those that ran are done by the other one', async () => {
    await using pair = await startPair(postgres, { flags })
    const { a, b } = pair
    await submitAll(a, 'f', jobs)
    // It has read on, and some run.
    await using hands = await Hands.at(a, 'f', { concurrency: 5 })
    for (let index = 0; index < 5; index++) await hands.next()
    const done = new Set<string>()
    await a.kill()
    await using _worker = await startWorker(b, 'f', (job) => void done.add(job.text()))
    await eventually('all are done', () => done.size === jobs || undefined)
    await eventually('none is left', async () => (await openJobs(b, 'f')) === 0 || undefined)
  })

  test('killed in the middle of much work at both: nothing is lost, and what had ended runs no more', async () => {
    await using pair = await startPair(postgres, { flags })
    const { a, b } = pair
    const times = new Map<string, number>()
    const handler = (job: { text(): string }) => void times.set(job.text(), (times.get(job.text()) ?? 0) + 1)
    await using _both = await startWorker([a, b], 'f', handler, { reconnect: { minMs: 50, maxMs: 200 } })
    await using client = await Client.connect(a.address)
    const acknowledged: string[] = []
    const submissions = Array.from({ length: 2000 }, async (_, index) => {
      await client.submitBackground('f', `${index}`)
      acknowledged.push(`${index}`)
    })
    const outcomes = Promise.allSettled(submissions)
    await eventually('some were acknowledged', () => acknowledged.length > 0 || undefined)
    await a.kill()
    for (const outcome of await outcomes) {
      if (outcome.status === 'rejected') assert.ok(outcome.reason instanceof Error)
    }
    await eventually(
      'all that was acknowledged is done',
      () => acknowledged.every((text) => times.has(text)) || undefined,
    )
    await eventually('none is left', async () => (await openJobs(b, 'f')) === 0 || undefined)
  })

  test('its clients see the connection end', async () => {
    await using pair = await startPair(postgres, { flags })
    const { a } = pair
    await using client = await Client.connect(a.address, { resubmissions: 0 })
    const job = client.submit('nobody', '')
    await job.created()
    const end = assert.rejects(job.result(), ConnectionLostError)
    await a.kill()
    await end
  })

  test('it stands still for longer than its lease: what its worker says afterwards counts for nothing', async () => {
    await using pair = await startPair(postgres, { flags })
    const { a, b } = pair
    await using client = await Client.connect(b.address)
    const policy = { keepResultsMs: 3_600_000 }
    const handle = await client.submitBackground('f', 'x', { policy })
    await using first = await Hands.at(a, 'f')
    const late = await first.next()
    a.pause()
    await using second = await Hands.at(b, 'f')
    const again = await second.next()
    assert.equal(again.job.text(), 'x')
    late.finish('by the one that was asleep')
    a.resume()
    // It is awake, and has a lease, when its worker gets jobs again.
    await eventually('it answers', async () => (await a.http('/readyz')).status === 200 || undefined)
    assert.equal((await b.json<{ state: string }>(`/api/jobs/${handle}`)).state, 'running')
    again.finish('by the one that has it')
    const result = async () => {
      const { status, text } = await b.http(`/api/jobs/${handle}/result`)
      return status === 200 ? text : undefined
    }
    assert.equal(await eventually('there is a result', result), 'by the one that has it')
    await using other = await Client.connect(a.address)
    const next = await other.submitBackground('g', 'y', { policy })
    await using _worker = await startWorker(a, 'g', () => 'it works again')
    const nextResult = async () => {
      const { status, text } = await b.http(`/api/jobs/${next}/result`)
      return status === 200 ? text : undefined
    }
    assert.equal(await eventually('A works again', nextResult), 'it works again')
    assert.equal((await b.http(`/api/jobs/${handle}/result`)).text, 'by the one that has it')
  })

  test('it stands still with many claimed jobs and wakes up: none is lost', async () => {
    await using pair = await startPair(postgres, { flags })
    const { a, b } = pair
    await submitAll(a, 'f', jobs)
    const done = new Set<string>()
    await using hands = await Hands.at(a, 'f', { concurrency: 5 })
    for (let index = 0; index < 5; index++) await hands.next()
    a.pause()
    await using _worker = await startWorker(b, 'f', (job) => void done.add(job.text()))
    await eventually('all are done at the other one', () => done.size === jobs || undefined)
    a.resume()
    await eventually('its worker hears that its jobs are not its own', () => {
      return hands.jobs.slice(0, 5).every(({ job }) => job.signal.aborted) || undefined
    })
    await eventually('none is left', async () => (await openJobs(a, 'f')) === 0 || undefined)
    await submitAll(a, 'f', 10)
    await eventually('it goes on', async () => (await openJobs(b, 'f')) <= 10 || undefined)
  })

  test('stopped in the usual way, it lets its jobs go at once', async () => {
    // With this lease nobody would wait for its end.
    await using pair = await startPair(postgres, { flags: ['--lease', '1h', '--grace', '0'] })
    const { a, b } = pair
    await submitAll(a, 'f', jobs)
    await using hands = await Hands.at(a, 'f', { concurrency: 5 })
    for (let index = 0; index < 5; index++) await hands.next()
    a.command.kill('SIGTERM')
    assert.equal((await a.command.ended()).code, 0)
    const done = new Set<string>()
    await using _worker = await startWorker(b, 'f', (job) => void done.add(job.text()))
    await eventually('all are done', () => done.size === jobs || undefined)
    await eventually('it is no member any more', async () => {
      const { cluster } = await b.json<{ readonly cluster: Cluster }>('/api/server')
      return (
        isDeepStrictEqual(
          cluster.servers.map(({ name }) => name),
          ['two'],
        ) || undefined
      )
    })
  })

  test('stopped while a job runs: it is finished, and not done again', async () => {
    await using pair = await startPair(postgres, { flags })
    const { a, b } = pair
    await using client = await Client.connect(b.address)
    const handle = await client.submitBackground('f', '', { policy: { keepResultsMs: 3_600_000 } })
    await using hands = await Hands.at(a, 'f')
    const { finish } = await hands.next()
    a.command.kill('SIGTERM')
    await a.command.line(/SIGTERM/)
    finish('in its own time')
    assert.equal((await a.command.ended()).code, 0)
    assert.equal((await b.http(`/api/jobs/${handle}/result`)).text, 'in its own time')
  })

  test('the list of servers: who is there, since when, and where', async () => {
    await using pair = await startPair(postgres, { flags })
    const { a, b, url } = pair
    const names = async (member: Member) => {
      const { cluster } = await member.json<{ readonly cluster: Cluster }>('/api/server')
      return cluster.servers
        .map(({ name, isThis, address }) => `${name} ${address ?? ''}${isThis ? ' this' : ''}`)
        .sort()
    }
    for (const member of [a, b]) {
      const expected = [a, b].map((each) => `${each.name} ${each.address}${each === member ? ' this' : ''}`).sort()
      await eventually(`${member.name} knows both, and where they are`, async () => {
        return (await names(member)).join() === expected.join() || undefined
      })
    }
    const third = await Member.start('three', url, { flags })
    await eventually('the third one is there', async () => (await names(a)).length === 3 || undefined)
    await third.kill()
    await eventually('the third one is gone', async () => (await names(a)).length === 2 || undefined)
    const process = await postgres.process()
    const rows = await process.query<{ name: string }>(
      'SELECT name FROM geartrain.server_list ORDER BY 1',
      [],
      url.split('/').at(-1),
    )
    assert.ok(rows.some(({ name }) => name === 'one') && rows.some(({ name }) => name === 'two'))
  })

  test('servers that start at the same time on an empty database', async () => {
    const { url } = await postgres.createDatabase()
    const members = await Promise.all(['one', 'two', 'three'].map((name) => Member.start(name, url, { flags })))
    try {
      const [first, , last] = members
      assert.ok(first !== undefined && last !== undefined)
      await submitAll(first, 'f', 1)
      await using hands = await Hands.at(last, 'f')
      assert.equal((await hands.next()).job.text(), '0')
    } finally {
      await Promise.all(members.map((member) => member.kill()))
    }
  })

  test('a server that comes again, while the others work, goes on', async () => {
    await using pair = await startPair(postgres, { flags })
    const { a, b, url } = pair
    await submitAll(b, 'f', 10)
    await a.kill()
    await using again = await Member.start('one', url, { flags })
    await using hands = await Hands.at(again, 'f')
    for (let index = 0; index < 10; index++) (await hands.next()).finish()
    await eventually('none is left', async () => (await openJobs(b, 'f')) === 0 || undefined)
  })
})
