import assert from 'node:assert/strict'
import { assertInvariants } from '@geartrain/engine'
import {
  type Clock,
  createServer,
  defaultLimits,
  type Limits,
  type Server,
  type ServerOptions,
} from '@geartrain/server'
import { connect, PACKET, type RawPeer } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { SlowPeer } from './slow-peer.ts'

export type LocalOptions = Partial<Omit<ServerOptions, 'limits'>> & { readonly limits?: Partial<Limits> }

export function localServer({ limits, ...options }: LocalOptions = {}, clock?: Clock): Server {
  return createServer({ port: 0, ...options, limits: { ...defaultLimits, ...limits } }, clock)
}

/** A server in this process, on a port of 127.0.0.1, with the peers of one test. Its engine is checked when it ends. */
export class LocalServer {
  readonly server: Server
  readonly port: number
  readonly #peers: { destroy(): void }[] = []

  private constructor(server: Server, port: number) {
    this.server = server
    this.port = port
  }

  static async start(options: LocalOptions = {}, clock?: Clock): Promise<LocalServer> {
    const server = localServer(options, clock)
    const [address] = await server.listen()
    assert.ok(address, 'a server that listens has an address')
    return new LocalServer(server, address.port)
  }

  /** A new connection, and the server knows of it. */
  async connect(name = 'peer'): Promise<RawPeer> {
    const peer = await this.connectSilently(name)
    await peer.sync()
    return peer
  }

  /** A new connection on which nothing has been said. */
  async connectSilently(name = 'peer'): Promise<RawPeer> {
    const peer = await connect(this.port, name)
    this.#peers.push(peer)
    return peer
  }

  /** A new connection that is not read from but when the test asks. */
  async connectSlowly(name = 'slow peer'): Promise<SlowPeer> {
    const peer = await SlowPeer.connect(this.port, name)
    this.#peers.push(peer)
    return peer
  }

  /** A worker that has grabbed a job of a client's. */
  async jobInHand(functionName = 'f'): Promise<{ client: RawPeer; worker: RawPeer; handle: string }> {
    const client = await this.connect('client')
    const worker = await this.connect('worker')
    client.send(PACKET.SUBMIT_JOB, functionName, '', 'x')
    const handle = (await client.receive('JOB_CREATED')).body.toString('latin1')
    worker.send(PACKET.CAN_DO, functionName)
    worker.send(PACKET.GRAB_JOB)
    assert.equal((await worker.receive('JOB_ASSIGN')).args[0], handle)
    return { client, worker, handle }
  }

  /** A stranger's job goes from a client to a worker and back, and all that the engine knows agrees with itself. */
  async assertServes(): Promise<void> {
    const { client, worker, handle } = await this.jobInHand('a stranger')
    worker.send(PACKET.WORK_COMPLETE, handle, 'done')
    const { name, data } = await client.receive('WORK_COMPLETE')
    assert.deepEqual([name, data.toString()], ['WORK_COMPLETE', 'done'])
    client.destroy()
    worker.destroy()
    assertInvariants(this.server.engine)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    assertInvariants(this.server.engine)
    for (const peer of this.#peers) peer.destroy()
    await this.server.close(0)
    await until('all connections were gone', () => this.server.connectionCount === 0)
    assertInvariants(this.server.engine)
  }
}
