import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import type pg from 'pg'
import { RecordedLog } from '../faults/recorded-log.ts'
import { grab } from '../server/desk.ts'
import { LocalServer } from '../server/local-server.ts'
import { eventually } from '../support/postgres/eventually.ts'
import { sharedPostgres } from '../support/postgres/shared-postgres.ts'
import { PACKET, type RawPeer } from '../support/raw.ts'
import { until } from '../support/until.ts'

const postgres = sharedPostgres()
const CONTROL = 1000

async function start(name: string, url: string): Promise<LocalServer> {
  return await LocalServer.start({ store: url, serverName: name, handlePrefix: `H:${name}`, leaseMs: 2000 })
}

async function ask(peer: RawPeer, op: string, params: object = {}): Promise<unknown> {
  peer.send(CONTROL, JSON.stringify({ op, ...params }))
  const answer: unknown = JSON.parse((await peer.receive('CONTROL_RES')).body.toString())
  return answer
}

async function submit(peer: RawPeer, name: string): Promise<string> {
  peer.send(PACKET.SUBMIT_JOB_BG, name, '', 'work')
  return (await peer.receive('JOB_CREATED')).body.toString()
}

/** Sleeps until there is a job. */
async function next(worker: RawPeer): Promise<string> {
  for (;;) {
    worker.send(PACKET.GRAB_JOB)
    const packet = await worker.receive('a job or none')
    if (packet.name === 'JOB_ASSIGN') return packet.args[0] ?? ''
    worker.send(PACKET.PRE_SLEEP)
    assert.equal((await worker.receive('NOOP')).name, 'NOOP')
  }
}

class Session implements AsyncDisposable {
  readonly #client: pg.Client

  constructor(client: pg.Client) {
    this.#client = client
  }

  async numbers(text: string): Promise<number[]> {
    const { rows } = await this.#client.query<[string]>({ text, rowMode: 'array' })
    return rows.map(([value]) => Number(value))
  }

  /** No numbers are set aside while each server goes some rounds. */
  async isQuiet(): Promise<boolean> {
    const reserved = 'SELECT reserved_until FROM geartrain.numbers'
    const leases = 'SELECT extract(epoch FROM min(lease_until)) FROM geartrain.servers WHERE NOT ended'
    const before = await this.numbers(reserved)
    for (let round = 0; round < 2; round++) {
      const [from = 0] = await this.numbers(leases)
      await eventually(
        'leases are renewed',
        async () => ((await this.numbers(leases))[0] ?? 0) > from + 1.1 || undefined,
      )
    }
    return isDeepStrictEqual(await this.numbers(reserved), before)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end()
  }
}

suite('two servers on one PostgreSQL', { skip: postgres.skip }, () => {
  test('what is submitted to one is done at the other; policies and schedules are of both', async () => {
    const { url } = await postgres.createDatabase()
    await using a = await start('A', url)
    await using b = await start('B', url)
    const [client, other] = [await a.connect('client'), await b.connect('other')]
    const worker = await b.connect('worker')
    worker.send(PACKET.CAN_DO, 'f')
    const handle = await submit(client, 'f')
    const own = await next(worker)
    assert.equal(own.slice(-16), handle.slice(-16))
    client.send(PACKET.GET_STATUS, handle)
    assert.equal((await client.receive('STATUS_RES')).args[1], '1', 'it is known where it was submitted')
    worker.send(PACKET.WORK_COMPLETE, own, 'done')
    await worker.sync()

    await ask(client, 'function set', { name: 'g', values: { paused: 'true' } })
    await submit(other, 'g')
    await until('the other server had heard of it', () => b.server.engine.findFunction('g')?.policy.paused === true)

    await ask(other, 'schedule put', { name: 's', function: 'f', every: '1s' })
    const first = await next(worker)
    worker.send(PACKET.WORK_COMPLETE, first, '')
    const second = await next(worker)
    assert.notEqual(second, first)
    worker.send(PACKET.WORK_COMPLETE, second, '')
    await ask(other, 'schedule remove', { name: 's' })
  })

  test('numbers in handles follow the time of submission; servers that do nothing leave them alone', async () => {
    const process = await postgres.process()
    const { name, url } = await process.createDatabase()
    await using a = await start('A', url)
    await using b = await start('B', url)
    await using session = new Session(await process.connect(name))

    // Both at the same time, until each has given up some ranges.
    const gapsMin = 3
    let busy = 2
    const submitted = [a, b].map(async (server) => {
      const peer = await server.connect('client')
      const numbers: number[] = []
      for (let gaps = 0; busy > 0; ) {
        const number = Number((await submit(peer, 'f')).slice(-16))
        const before = numbers.at(-1) ?? number
        assert.ok(numbers.length === 0 || number > before, 'each counts up')
        if (number > before + 1000 && ++gaps === gapsMin) busy--
        numbers.push(number)
      }
      return numbers
    })
    const numbers = (await Promise.all(submitted)).flat()
    assert.equal(new Set(numbers).size, numbers.length)
    const kept = await session.numbers('SELECT number FROM geartrain.jobs ORDER BY number')
    assert.deepEqual(
      kept,
      numbers.toSorted((one, other) => one - other),
    )
    await eventually('it is quiet', async () => (await session.isQuiet()) || undefined)
    for (let i = 0; i < 2; i++) assert.ok(await session.isQuiet())
  })

  test('a server that is gone leaves what it had to the others', async () => {
    const { url } = await postgres.createDatabase()
    const a = await start('A', url)
    await using b = await start('B', url)
    const client = await a.connect('client')
    const worker = await a.connect('worker')
    worker.send(PACKET.CAN_DO, 'f')
    const handle = await submit(client, 'f')
    assert.equal((await grab(worker)).slice(-16), handle.slice(-16))
    await a[Symbol.asyncDispose]()
    const other = await b.connect('other worker')
    other.send(PACKET.CAN_DO, 'f')
    assert.equal((await next(other)).slice(-16), handle.slice(-16))
  })

  for (const [times, count] of [
    ['twice', 2],
    ['each time', 1e6],
  ] as const) {
    const isReady = times === 'twice'
    test(`a start whose lease is over ${times} before it has done anything ${isReady ? 'goes on' : 'ends'}`, async () => {
      const { name, url } = await postgres.createDatabase()
      const process = await postgres.process()
      await (await start('A', url))[Symbol.asyncDispose]()
      await process.query(
        `CREATE SEQUENCE public.starts;
        CREATE FUNCTION public.end_it() RETURNS trigger LANGUAGE plpgsql AS $$
          BEGIN NEW.ended := nextval('public.starts') <= ${count}; RETURN NEW; END $$;
        CREATE TRIGGER ends BEFORE INSERT ON geartrain.servers FOR EACH ROW EXECUTE FUNCTION public.end_it()`,
        [],
        name,
      )
      const log = new RecordedLog()
      const started = LocalServer.start({ store: url, serverName: 'A', leaseMs: 2000, log })
      if (isReady) {
        await using a = await started
        await submit(await a.connect('client'), 'f')
        assert.equal(log.lines.filter((line) => /^warn: .* is opened once more: .* its lease/.test(line)).length, count)
      } else await assert.rejects(started, { code: 'LEASE_LOST' })
    })
  }
})
