import assert from 'node:assert/strict'
import type { Clock, ClusterServer, Log } from '@geartrain/server'
import { type LocalOptions, LocalServer } from '../server/local-server.ts'
import { PACKET, type RawPacket, type RawPeer } from '../support/raw.ts'
import { until } from '../support/until.ts'

/** A server that knows others, and what it has logged. */
export interface Member {
  readonly name: string
  readonly local: LocalServer
  readonly address: string
  readonly lines: readonly string[]
}

type Reach = (port: number) => string | Promise<string>

/** Servers that tell each other of themselves without a ledger: the test is told who is there, and tells all. */
export class LinkedServers {
  readonly members: Member[] = []
  readonly #clock: Clock | undefined
  #lastId = 0
  readonly #ids = new Map<Member, number>()

  constructor(clock?: Clock) {
    this.#clock = clock
  }

  static async start(count: number, options: LocalOptions = {}, clock?: Clock): Promise<LinkedServers> {
    const cluster = new LinkedServers(clock)
    for (let i = 0; i < count; i++) await cluster.add(options)
    await cluster.linked()
    return cluster
  }

  /** One more, which the others are told of, and how they reach it. */
  async add(options: LocalOptions = {}, reach: Reach = (port) => `127.0.0.1:${port}`): Promise<Member> {
    const lines: string[] = []
    const name = String.fromCharCode(65 + this.#lastId)
    const handlePrefix = `H:${name}`
    const local = await LocalServer.start({ handlePrefix, log: logTo(lines), ...options }, this.#clock)
    const member = { name, local, address: await reach(local.port), lines }
    this.members.push(member)
    this.#ids.set(member, ++this.#lastId)
    this.tell()
    return member
  }

  idOf(member: Member): number {
    return this.#ids.get(member) ?? 0
  }

  /** It goes on as another one, as after a lease that was lost. */
  renew(member: Member): void {
    this.#ids.set(member, ++this.#lastId)
    this.tell()
  }

  /** Nobody is told of it any more, and it closes. */
  async remove(member: Member): Promise<void> {
    this.forget(member)
    await member.local[Symbol.asyncDispose]()
  }

  forget(member: Member): void {
    this.members.splice(this.members.indexOf(member), 1)
    this.tell()
  }

  tell(): void {
    for (const self of this.members) {
      self.local.server.links.setServers(this.members.map((member) => this.#describe(member, member === self)))
    }
  }

  /** Each has linked to all others. */
  async linked(): Promise<void> {
    const others = this.members.length - 1
    await until('all servers were linked', () =>
      this.members.every(({ local: { server } }) => {
        const { to, from } = server.links.open
        return to.length === others && from.length === others
      }),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { local } of this.members) await local[Symbol.asyncDispose]()
  }

  #describe(member: Member, isSelf: boolean): ClusterServer {
    const report = { version: '0', startedAt: 0, link: member.address, functions: [] }
    return { id: this.idOf(member), name: member.name, isSelf, isLeader: false, seenAt: 0, report }
  }
}

/** A client at the first server, and a worker of `f` at the second one. */
export async function workerElsewhere(
  cluster: LinkedServers,
): Promise<{ a: Member; b: Member; worker: RawPeer; client: RawPeer }> {
  const [a, b] = cluster.members
  assert.ok(a && b)
  const worker = await sleepingWorker(cluster, b)
  return { a, b, worker, client: await a.local.connect('client') }
}

/** A worker that sleeps, and the servers that its own is linked to know of it. */
export async function sleepingWorker(cluster: LinkedServers, member: Member, functionName = 'f'): Promise<RawPeer> {
  const worker = await member.local.connect(`worker at ${member.name}`)
  worker.send(PACKET.CAN_DO, functionName)
  worker.send(PACKET.PRE_SLEEP)
  await worker.sync()
  await until(`${functionName} of ${member.name} was offered`, () =>
    cluster.members.every(
      ({ local: { server } }) => server === member.local.server || isOffered(server.engine, functionName),
    ),
  )
  return worker
}

type Engine = LocalServer['server']['engine']

function isOffered(engine: Engine, functionName: string): boolean {
  return (engine.findFunction(functionName)?.bridgeCount ?? 0) > 0
}

/** Woken, the worker takes a job. */
export async function take(worker: RawPeer): Promise<RawPacket> {
  assert.equal((await worker.receive('NOOP')).name, 'NOOP')
  worker.send(PACKET.GRAB_JOB_ALL)
  const packet = await worker.receive('JOB_ASSIGN')
  assert.match(packet.name, /^JOB_ASSIGN/)
  return packet
}

/** The handle of a foreground job. */
export async function submit(
  client: RawPeer,
  functionName: string,
  unique: string,
  workload: string | Uint8Array,
): Promise<string> {
  client.send(PACKET.SUBMIT_JOB, functionName, unique, workload)
  const created = await client.receive('JOB_CREATED')
  assert.equal(created.name, 'JOB_CREATED')
  return created.body.toString('latin1')
}

function logTo(lines: string[]): Log {
  const say = (...parts: unknown[]) => {
    lines.push(parts.map((part) => (typeof part === 'string' ? part : JSON.stringify(part))).join(' '))
  }
  return { debug() {}, info: say, warn: say, error: say }
}
