import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { Client } from '@geartrain/client'
import { Command } from '../../cli/command.ts'
import { eventually } from '../../support/postgres/eventually.ts'
import { type Member, sharedFleet } from './fleet.ts'
import { Hands, startWorker } from './hands.ts'

// What is done to jobs of one server at the other: by the command, over HTTP, in bulk.

const fleet = sharedFleet()
const commands: Command[] = []
after(() => Promise.all(commands.map((command) => command[Symbol.asyncDispose]())))

const post = (body?: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  ...(body === undefined ? {} : { body: JSON.stringify(body) }),
})

async function counts(member: Member, name: string): Promise<Record<string, number>> {
  const { states } = await member.json<{ states: Record<string, { count: number }> }>(
    `/api/jobs/counts?function=${name}`,
  )
  return Object.fromEntries(Object.entries(states).map(([state, { count }]) => [state, count]))
}

suite('operations on jobs of a cluster', { skip: fleet.skip }, () => {
  test('a worker over HTTP at the other server', async () => {
    const { a, b } = await fleet.pair()
    await using client = await Client.connect(a.address)
    const policy = { keepResultsMs: 3_600_000 }
    const handle = await client.submitBackground('by-http', 'payload', { policy })
    const taken = await b.json<{ lease: string; workload: { text: string } }>(
      '/api/work/take',
      post({ functions: ['by-http'], wait: '20s' }),
    )
    assert.equal(taken.workload.text, 'payload')
    await b.http(`/api/work/${taken.lease}/progress`, post({ numerator: 1, denominator: 2 }))
    await eventually('the progress is known', async () => (await client.status(handle)).numerator === 1 || undefined)
    const { status } = await b.http(`/api/work/${taken.lease}/complete`, { method: 'POST', body: 'result' })
    assert.equal(status, 204)
    await eventually('it has ended', async () => !(await client.status(handle)).isKnown || undefined)
    assert.equal((await a.http(`/api/jobs/${handle}/result`)).text, 'result')
  })

  test('a job that is cancelled at the other server is no more that of its worker over HTTP', async () => {
    const { a, b } = await fleet.pair()
    await using client = await Client.connect(a.address)
    const handle = await client.submitBackground('by-http-2', '')
    const { lease } = await b.json<{ lease: string }>('/api/work/take', post({ functions: ['by-http-2'], wait: '20s' }))
    await a.tell(['cancel', handle])
    const { status, text } = await eventually('its worker hears of it', async () => {
      const answer = await b.http(`/api/work/${lease}/extend`, post({}))
      return answer.status === 409 ? answer : undefined
    })
    assert.equal(status, 409)
    assert.match(text, /cancelled/)
  })

  test('geartrain work at the other server, and a result that is sent on', async () => {
    const { a, b } = await fleet.pair()
    const worker = new Command(['work', 'shout', '--', 'tr', 'a-z', 'A-Z'], {
      env: { GEARMAN_SERVERS: b.address, PATH: process.env['PATH'] ?? '' },
    })
    commands.push(worker)
    await a.tell(['do', '--background', '--then', 'shouted', 'shout', 'hello'])
    await using hands = await Hands.at(a, 'shouted')
    assert.equal((await hands.next()).job.text(), 'HELLO')
    assert.equal(await a.tell(['do', 'shout', 'in the foreground']), 'IN THE FOREGROUND')
  })

  test('lists, and the workload of a job of the other server', async () => {
    const { a, b } = await fleet.pair()
    await using client = await Client.connect(a.address)
    await using other = await Client.connect(b.address)
    await client.submitBackground('listed', '1')
    await other.submitBackground('listed', '2')
    const third = await client.submitBackground('listed', '3', { delayMs: 3_600_000 })
    for (const member of [a, b]) {
      const { jobs } = await member.json<{ jobs: readonly { handle: string; state: string }[] }>(
        '/api/jobs?function=listed',
      )
      assert.deepEqual(jobs.map(({ state }) => state).sort(), ['delayed', 'ready', 'ready'], member.name)
      assert.equal((await member.http(`/api/jobs/${third}/workload`)).text, '3')
      const { jobs: page, next } = await member.json<{ jobs: readonly unknown[]; next?: string }>(
        '/api/jobs?function=listed&limit=2',
      )
      assert.equal(page.length, 2)
      assert.ok(next !== undefined)
      const rest = await member.json<{ jobs: readonly unknown[] }>(
        `/api/jobs?function=listed&limit=2&after=${encodeURIComponent(next)}`,
      )
      assert.equal(rest.jobs.length, 1)
    }
  })

  test('lists have the oldest first, whichever server each came to', async () => {
    const { a, b } = await fleet.pair()
    await using client = await Client.connect(a.address)
    await using other = await Client.connect(b.address)
    const numberOf = (handle: string) => Number(handle.slice(-16))
    let last = 0
    for (let index = 0; index < 6; index++) {
      const from = index % 2 === 0 ? client : other
      await eventually('it has learned of the one before', async () => {
        return numberOf(await from.submitBackground('before', '')) > last || undefined
      })
      last = numberOf(await from.submitBackground('in-order', `${index}`))
    }
    for (const [order, workloads] of [
      ['oldest', '012345'],
      ['newest', '543210'],
    ]) {
      for (const member of [a, b]) {
        const { jobs } = await member.json<{ jobs: readonly { handle: string }[] }>(
          `/api/jobs?function=in-order&order=${order}`,
        )
        const shown = await Promise.all(
          jobs.map(async ({ handle }) => (await member.http(`/api/jobs/${handle}/workload`)).text),
        )
        assert.equal(shown.join(''), workloads, member.name)
      }
    }
  })

  test('a delayed job is run now, another one gets another priority, at the other server', async () => {
    const { a, b } = await fleet.pair()
    await using client = await Client.connect(a.address)
    const delayed = await client.submitBackground('moved', 'delayed', { delayMs: 3_600_000 })
    const low = await client.submitBackground('moved', 'low', { priority: 'low' })
    assert.equal((await b.http(`/api/jobs/${delayed}/run`, post())).status, 204)
    assert.equal((await b.http(`/api/jobs/${low}/priority`, post({ priority: 'high' }))).status, 204)
    for (const member of [a, b]) {
      const { priority } = await member.json<{ priority: string }>(`/api/jobs/${low}`)
      assert.equal(priority, 'high', member.name)
      const { state } = await member.json<{ state: string }>(`/api/jobs/${delayed}`)
      assert.equal(state, 'ready', member.name)
    }
    assert.equal((await b.http(`/api/jobs/${delayed}/run`, post())).status, 409)
    await using hands = await Hands.at(a, 'moved')
    const came = [await hands.next(), await hands.next()].map(({ job }) => job.text())
    assert.deepEqual(came.sort(), ['delayed', 'low'])
  })

  test('a dry run at the other server says how many there are', async () => {
    const { a, b } = await fleet.pair()
    await using client = await Client.connect(a.address)
    await Promise.all(Array.from({ length: 50 }, (_, index) => client.submitBackground('dry', `${index}`)))
    const request = post({ action: 'cancel', filter: { function: 'dry' }, dryRun: true })
    await eventually('it says so', async () => {
      return (await b.json<{ matched: number }>('/api/jobs/bulk', request)).matched === 50 || undefined
    })
    await eventually('they are still there', async () => (await counts(a, 'dry'))['ready'] === 50 || undefined)
    const change = await b.json<{ changed: number }>(
      '/api/jobs/bulk',
      post({ action: 'cancel', filter: { function: 'dry' } }),
    )
    assert.equal(change.changed, 50)
    await eventually('none is left', async () => (await counts(a, 'dry'))['ready'] === 0 || undefined)
  })

  // The numbers in handles of one server may be higher than those of the other: both ways.
  for (const turned of [false, true]) {
    const way = turned ? 'from two to one' : 'from one to two'
    const servers = async () => {
      const { a, b } = await fleet.pair()
      return turned ? { from: b, to: a } : { from: a, to: b }
    }

    test(`all jobs of a filter are cancelled at the other server, also those just taken, ${way}`, async () => {
      const { from, to } = await servers()
      await using client = await Client.connect(from.address)
      const name = `bulk-${from.name}`
      await Promise.all(Array.from({ length: 50 }, (_, index) => client.submitBackground(name, `${index}`)))
      const change = await to.json<{ changed: number }>(
        '/api/jobs/bulk',
        post({ action: 'cancel', filter: { function: name } }),
      )
      assert.equal(change.changed, 50)
    })

    test(`jobs of a function are purged at the other server, also those just taken, ${way}`, async () => {
      const { from, to } = await servers()
      await using client = await Client.connect(from.address)
      const name = `purged-${from.name}`
      await Promise.all(Array.from({ length: 30 }, (_, index) => client.submitBackground(name, `${index}`)))
      assert.equal((await to.json<{ purged: number }>(`/api/functions/${name}/purge`, post())).purged, 30)
    })

    test(`dead jobs of a function are tried again, and deleted, at the other server, ${way}`, async () => {
      const { from, to } = await servers()
      await using client = await Client.connect(from.address)
      const name = `dead-${from.name}`
      let attempts = 0
      await using _worker = await startWorker(from, name, () => {
        attempts++
        throw new Error('no')
      })
      for (let index = 0; index < 5; index++) await client.submitBackground(name, '', { policy: { attempts: 1 } })
      const allDead = async () => (await counts(to, name))['dead'] === 5 || undefined
      await eventually('they are dead', allDead)
      assert.match(await to.tell(['dead', 'retry', '--function', name]), /5/)
      await eventually('they have died again', async () => (attempts === 10 ? await allDead() : undefined))
      assert.match(await to.tell(['dead', 'delete', '--function', name, '--yes']), /5/)
      await eventually('none is left', async () => (await counts(from, name))['dead'] === 0 || undefined)
    })
  }

  test('jobs that a server has read into its memory are purged at the other one', async () => {
    const { a, b } = await fleet.pair()
    await using client = await Client.connect(a.address)
    await using hands = await Hands.at(a, 'purged-2', { concurrency: 1 })
    await Promise.all(Array.from({ length: 30 }, (_, index) => client.submitBackground('purged-2', `${index}`)))
    await hands.next()
    await eventually(
      'the other one knows of them',
      async () => (await counts(b, 'purged-2'))['ready'] === 29 || undefined,
    )
    await b.tell(['function', 'purge', 'purged-2', '--yes'])
    for (const member of [a, b]) {
      await eventually(`none waits at ${member.name}`, async () => {
        const { ready, running } = await counts(member, 'purged-2')
        return (ready === 0 && running === 1) || undefined
      })
    }
    assert.equal(hands.jobs.length, 1)
  })

  test('the events of a job that a worker of the other server has', async () => {
    const { a, b } = await fleet.pair()
    await using client = await Client.connect(a.address)
    const handle = await client.submitBackground('told', '', { policy: { keepResultsMs: 3_600_000 } })
    const stream = a.http(`/api/jobs/${handle}/events`)
    await using hands = await Hands.at(b, 'told')
    const { finish } = await hands.next()
    finish('result')
    const { status, text } = await stream
    assert.equal(status, 200)
    assert.match(text, /event: snapshot/)
    assert.match(text, /event: ended/)
    assert.match(text, /complete/)
  })

  test('a job that has ended not long ago counts for its unique at both', async () => {
    const { a, b } = await fleet.pair()
    await using client = await Client.connect(a.address)
    await using other = await Client.connect(b.address)
    const options = { unique: 'once', policy: { uniqueForMs: 3_600_000 } }
    let done = 0
    await using _worker = await startWorker([a, b], 'once', () => void done++)
    await client.submitBackground('once', '1', options)
    await eventually('it is done', () => done > 0 || undefined)
    await eventually('it has ended', async () => !(await other.statusByUnique('once')).isRunning || undefined)
    await other.submitBackground('once', '2', options)
    await client.submitBackground('once', '3', options)
    await other.submitBackground('once', 'marker')
    await eventually('the one after them is done', () => done > 1 || undefined)
    assert.equal(done, 2)
  })

  test('attempts that take too long, and jobs that nobody began in their time', async () => {
    const { a, b } = await fleet.pair()
    await using client = await Client.connect(a.address)
    await using hands = await Hands.at(b, 'slow')
    const slow = await client.submitBackground('slow', '', { policy: { attempts: 1, timeoutMs: 300 } })
    const { job } = await hands.next()
    await eventually('its worker hears of it', () => job.signal.aborted || undefined)
    const old = await client.submitBackground('old', '', { policy: { ttlMs: 300 } })
    for (const [handle, reason] of [
      [slow, 'timeout'],
      [old, 'expired'],
    ] as const) {
      for (const member of [a, b]) {
        const view = await eventually('it is dead', async () => {
          const shown = await member.json<{ state: string; reason?: string }>(`/api/jobs/${handle}`)
          return shown.state === 'dead' ? shown : undefined
        })
        assert.equal(view.reason, reason)
      }
    }
  })

  test('a worker that goes away: its job is done at the other server', async () => {
    const { a, b } = await fleet.pair()
    await using client = await Client.connect(a.address)
    await client.submitBackground('left', 'payload')
    const leaving = new Command(['work', 'left', '--', 'sleep', '60'], {
      env: { GEARMAN_SERVERS: a.address, PATH: process.env['PATH'] ?? '' },
    })
    commands.push(leaving)
    await eventually('it runs', async () => (await counts(b, 'left'))['running'] === 1 || undefined)
    leaving.kill('SIGKILL')
    await using hands = await Hands.at(b, 'left')
    assert.equal((await hands.next()).job.text(), 'payload')
  })

  test('figures for Prometheus are there at both', async () => {
    const { a, b } = await fleet.pair()
    for (const member of [a, b]) {
      const { status, text } = await member.http('/metrics')
      assert.equal(status, 200)
      assert.match(text, /^geartrain_/m)
    }
  })
})
