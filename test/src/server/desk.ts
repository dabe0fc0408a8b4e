import assert from 'node:assert/strict'
import type { ControlAnswer, ControlOperation, ControlOperations } from '@geartrain/protocol'
import { PACKET, type RawPeer } from '../support/raw.ts'
import { type LocalOptions, LocalServer } from './local-server.ts'

export const CONTROL = 1000
const CONTROL_RES = 1001

/** A server, and a peer that asks it. */
export class Desk implements AsyncDisposable {
  readonly local: LocalServer
  readonly peer: RawPeer

  private constructor(local: LocalServer, peer: RawPeer) {
    this.local = local
    this.peer = peer
  }

  static async open(options: LocalOptions = {}): Promise<Desk> {
    const local = await LocalServer.start(options)
    return new Desk(local, await local.connect('desk'))
  }

  async json(request: string | Uint8Array): Promise<ControlAnswer<unknown>> {
    this.peer.send(CONTROL, typeof request === 'string' ? Buffer.from(request) : request)
    return await this.answer()
  }

  async answer(): Promise<ControlAnswer<unknown>> {
    const { type, body } = await this.peer.receive('CONTROL_RES')
    assert.equal(type, CONTROL_RES)
    return JSON.parse(body.toString()) as ControlAnswer<unknown>
  }

  /** What an operation answers if all is well. */
  async ask<Operation extends ControlOperation>(
    op: Operation,
    params: ControlOperations[Operation]['params'],
  ): Promise<ControlOperations[Operation]['answer']> {
    const answer = await this.json(JSON.stringify({ op, ...params }))
    assert.ok(answer.ok, JSON.stringify(answer))
    return answer.answer as ControlOperations[Operation]['answer']
  }

  /** The code and message of what it answers if not. */
  async refuse(request: object): Promise<string> {
    const answer = await this.json(JSON.stringify(request))
    assert.ok(!answer.ok, JSON.stringify(answer))
    return `${answer.error.code}: ${answer.error.message}`
  }

  /** A background job's handle. */
  async submit(name: string, workload = '', unique = '', type: number = PACKET.SUBMIT_JOB_BG): Promise<string> {
    this.peer.send(type, name, unique, workload)
    return (await this.peer.receive('JOB_CREATED')).body.toString('latin1')
  }

  async submitLater(name: string, unique = ''): Promise<string> {
    this.peer.send(PACKET.SUBMIT_JOB_EPOCH, name, unique, String(Math.floor(Date.now() / 1000) + 1000), 'later')
    return (await this.peer.receive('JOB_CREATED')).body.toString('latin1')
  }

  /** A worker that has the function's next job. */
  async worker(name: string): Promise<{ readonly peer: RawPeer; readonly handle: string }> {
    const peer = await this.local.connect('worker')
    peer.send(PACKET.SET_CLIENT_ID, 'joe')
    peer.send(PACKET.CAN_DO, name)
    return { peer, handle: await grab(peer) }
  }

  /** A job that has failed for good. */
  async bury(name: string, workload = 'w', unique = '', error = 'no disk'): Promise<string> {
    await this.ask('function set', { name, values: { attempts: '1' } })
    const handle = await this.submit(name, workload, unique)
    const { peer } = await this.worker(name)
    peer.send(PACKET.WORK_EXCEPTION, handle, error)
    await peer.sync()
    await peer.close()
    return handle
  }

  async state(name: string): Promise<string> {
    const { functions } = await this.ask('functions', { names: [name] })
    const [row] = functions
    if (row === undefined) return 'none'
    const { ready, delayed, running, dead } = row
    return `ready ${ready.high}/${ready.normal}/${ready.low} delayed ${delayed} running ${running} dead ${dead}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.local[Symbol.asyncDispose]()
  }
}

export async function grab(peer: RawPeer): Promise<string> {
  peer.send(PACKET.GRAB_JOB)
  const packet = await peer.receive('JOB_ASSIGN')
  assert.equal(packet.name, 'JOB_ASSIGN')
  return packet.args[0] ?? ''
}
