import assert from 'node:assert/strict'
import type net from 'node:net'
import type { Worker } from '@geartrain/client'
import { PACKET } from '../support/raw.ts'
import { FakeServer, response } from './proxy.ts'
import { signal } from './signal.ts'

const nameOf = new Map<number, string>(Object.entries(PACKET).map(([name, type]) => [type, name]))

/** A server that a test plays itself, for one connection. */
export class Talk {
  readonly address: string
  readonly #server: FakeServer
  readonly #heard: string[] = []
  #rest: Buffer = Buffer.alloc(0)
  #socket: net.Socket | undefined
  #wake: () => void = () => {}

  static async start(): Promise<Talk> {
    const met = signal<net.Socket>()
    const talk = new Talk(await FakeServer.start(met.give))
    void met.given.then((socket) => talk.#meet(socket))
    return talk
  }

  private constructor(server: FakeServer) {
    this.#server = server
    this.address = server.address
  }

  say(...packets: readonly Buffer[]): void {
    this.#socket?.write(Buffer.concat(packets))
  }

  pause(): void {
    this.#socket?.pause()
  }

  resume(): void {
    this.#socket?.resume()
  }

  /** Packets that have come and that nobody expected yet. */
  get heardCount(): number {
    return this.#heard.length
  }

  /** The next packets from the worker, in their order. */
  async expect(...packets: readonly string[]): Promise<void> {
    while (this.#heard.length < packets.length) await this.#more()
    assert.deepEqual(this.#heard.splice(0, packets.length), packets)
  }

  /** Starts a worker and answers it, until it has asked for its first job. */
  async welcome(worker: Worker, ...registrations: readonly string[]): Promise<void> {
    const started = worker.start()
    await this.expect(...registrations, 'ECHO_REQ ')
    this.say(response(PACKET.ECHO_RES))
    await started
    await this.expect('GRAB_JOB_ALL ')
  }

  /** Whatever comes before them. */
  async expectLast(...packets: readonly string[]): Promise<void> {
    while (!packets.every((packet) => this.#heard.includes(packet))) await this.#more()
    this.#heard.length = 0
  }

  async end(): Promise<void> {
    await this.#server[Symbol.asyncDispose]()
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  #meet(socket: net.Socket): void {
    this.#socket = socket
    socket.on('data', (chunk) => {
      this.#rest = Buffer.concat([this.#rest, chunk])
      while (this.#rest.length >= 12 && this.#rest.length >= 12 + this.#rest.readUInt32BE(8)) {
        const length = 12 + this.#rest.readUInt32BE(8)
        const body = this.#rest.subarray(12, length).toString('latin1')
        const packet = `${nameOf.get(this.#rest.readUInt32BE(4))} ${body.replaceAll('\0', '|').slice(0, 100)}`
        // Every worker asks for it first, and is content without an answer.
        if (packet !== 'OPTION_REQ cancellation') this.#heard.push(packet)
        this.#rest = this.#rest.subarray(length)
      }
      this.#wake()
    })
  }
}
