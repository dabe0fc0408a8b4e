import assert from 'node:assert/strict'
import type { ControlAnswer, ControlOperation, ControlOperations } from '@geartrain/protocol'
import { type LocalOptions, LocalServer } from '../server/local-server.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { PACKET, type RawPeer } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { SharedDisk, SharedStore } from './shared-disk.ts'

const CONTROL = 1000

/** One of the servers, its way to the ledger and a peer of it. */
export interface Member {
  readonly local: LocalServer
  readonly store: SharedStore
  readonly peer: RawPeer
}

/** Two servers in this process, A and B, on one ledger in memory. Time passes and news goes round when a test says so. */
export class TwoServers implements AsyncDisposable {
  readonly disk = new SharedDisk()
  readonly clock = new ManualClock()
  readonly #members: Member[] = []

  private constructor() {}

  static async start(options: LocalOptions = {}): Promise<TwoServers> {
    const servers = new TwoServers()
    await servers.add('A', options)
    await servers.add('B', options)
    await servers.beat()
    return servers
  }

  /** They have heard of each other by the ledger, and have linked. */
  static async linked(options: LocalOptions = {}): Promise<TwoServers> {
    const servers = await TwoServers.start(options)
    await servers.link()
    return servers
  }

  /** All of them link to all others. */
  async link(): Promise<void> {
    await this.beat()
    await until('they were linked', () =>
      this.#members.every(({ local: { server } }) => server.links.open.to.length === this.#members.length - 1),
    )
  }

  get a(): Member {
    return this.#member(0)
  }

  get b(): Member {
    return this.#member(1)
  }

  async add(name: string, options: LocalOptions = {}): Promise<Member> {
    const store = new SharedStore(this.disk, name)
    const local = await LocalServer.start({ handlePrefix: `H:${name}`, store, ...options }, this.clock)
    const member = { local, store, peer: await local.connect(name) }
    this.#members.push(member)
    return member
  }

  /** They tell what they have, and hear of one another. What comes of it is done. */
  async beat(): Promise<void> {
    this.clock.advance(1000)
    await this.settle()
    this.disk.beat()
    await this.settle()
  }

  /** All that was said to the servers is done, but for what hangs. */
  async settle(): Promise<void> {
    for (let round = 0; round < 3; round++) {
      for (const { local, peer, store } of this.#members) {
        if (store.isCut) continue
        await peer.sync()
        await until('the store was idle', () => !local.server.isStoreBusy)
      }
    }
  }

  /** A background job's handle. */
  async submit({ peer }: Member, name: string, workload = '', unique = ''): Promise<string> {
    peer.send(PACKET.SUBMIT_JOB_BG, name, unique, workload)
    return (await peer.receive('JOB_CREATED')).body.toString('latin1')
  }

  async worker({ local }: Member, name: string): Promise<RawPeer> {
    const worker = await local.connect('worker')
    worker.send(PACKET.CAN_DO, name)
    await worker.sync()
    return worker
  }

  /** What GET_STATUS answers: known and running. */
  async status({ peer }: Member, handle: string): Promise<string> {
    peer.send(PACKET.GET_STATUS, handle)
    const { args } = await peer.receive('STATUS_RES')
    return `${args[1] === '1' ? 'known' : 'unknown'}${args[2] === '1' ? ', running' : ''}`
  }

  /** A line of the text protocol, and what comes up to the dot. */
  async table({ local }: Member, line: string): Promise<string> {
    const peer = await local.connectSilently('admin')
    peer.sendLine(line)
    return (await peer.receiveText('.\n')).slice(0, -2)
  }

  async ask<Operation extends ControlOperation>(
    { peer }: Member,
    op: Operation,
    params: ControlOperations[Operation]['params'],
  ): Promise<ControlOperations[Operation]['answer']> {
    peer.send(CONTROL, JSON.stringify({ op, ...params }))
    const { body } = await peer.receive('CONTROL_RES')
    const answer = JSON.parse(body.toString()) as { ok: boolean; answer: ControlOperations[Operation]['answer'] }
    assert.ok(answer.ok, body.toString())
    return answer.answer
  }

  /** The code and message of what it answers if not. */
  async refuse({ peer }: Member, request: { readonly op: ControlOperation; readonly name: string }): Promise<string> {
    peer.send(CONTROL, JSON.stringify(request))
    const { body } = await peer.receive('CONTROL_RES')
    const answer = JSON.parse(body.toString()) as ControlAnswer<unknown>
    assert.ok(!answer.ok, body.toString())
    return `${answer.error.code}: ${answer.error.message}`
  }

  /** Time passes while the server ends. */
  async close({ local }: Member): Promise<void> {
    await this.#passing(local.server.close(0))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { local, store } of this.#members) {
      store.isCut = false
      await this.#passing(local[Symbol.asyncDispose]())
    }
  }

  async #passing(ended: Promise<void>): Promise<void> {
    let hasEnded = false
    const done = ended.finally(() => (hasEnded = true))
    await until('it had ended', () => {
      this.clock.advance(1)
      return hasEnded
    }).catch(() => {})
    await done
  }

  #member(index: number): Member {
    const member = this.#members[index]
    assert.ok(member)
    return member
  }
}
