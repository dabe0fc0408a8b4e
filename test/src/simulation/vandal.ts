import { headerBytes, packets } from '@geartrain/protocol'
import { Actor } from './actor.ts'
import { type Command, encode, packet } from './command.ts'
import type { IncomingPacket } from './incoming.ts'

/** Sends what no server should get. */
export class Vandal extends Actor {
  get isDone(): boolean {
    return true
  }

  protected onConnected(): void {
    this.later(this.pauseMs(), () => this.#act())
  }

  protected onPacket(_packet: IncomingPacket): void {}

  protected onRetire(): void {
    this.leave('reset')
  }

  #act(): void {
    if (this.isRetired) return
    const { random } = this.stage
    this.send(...Array.from({ length: random.between(0, 3) }, () => this.#strangeCommand()))
    if (random.chance(0.3)) return this.later(this.pauseMs(), () => this.#act())
    this.peer?.sendGarbage(this.#garbage())
    // Some wait for what the server makes of it: it has to close the connection by itself, or to be patient.
    if (random.chance(0.5)) this.later(10 * this.pauseMs(), () => this.leave(random.pick(['close', 'reset', 'vanish'])))
  }

  /** Understood, and refused. */
  #strangeCommand(): Command {
    const { random } = this.stage
    return random.pick<Command>([
      packet('NO_JOB'),
      packet('JOB_CREATED', ['H:sim:1']),
      packet('ALL_YOURS'),
      packet('SUBMIT_JOB_SCHED', ['f', '', 'never', '*', '*', '*', '*'], 'later'),
      { ...packet('PRE_SLEEP'), isResponse: true },
      packet('WORK_COMPLETE', ['H:sim:1'], 'not mine'),
      packet('WORK_FAIL', ['']),
      packet('OPTION_REQ', ['']),
    ])
  }

  #garbage(): Buffer {
    const { random } = this.stage
    const whole = encode(packet('SUBMIT_JOB', ['f', 'u'], 'workload'))
    return random.pick([
      () => Buffer.from('\0XYZ garbage', 'latin1'),
      () => header(0, 0),
      () => header(99, 5),
      () => header(packets.SUBMIT_JOB.type, 2 ** 32 - 1),
      // Fewer arguments than the packet must have.
      () => Buffer.concat([header(packets.SUBMIT_JOB.type, 5), Buffer.from('f\0bar')]),
      // Half a packet, and nothing more.
      () => whole.subarray(0, random.between(1, whole.length - 1)),
      () => Buffer.from('s'.repeat(9000)),
      () => Buffer.from('stat'),
    ])()
  }
}

function header(type: number, length: number): Buffer {
  const bytes = Buffer.alloc(headerBytes)
  bytes.write('\0REQ', 'latin1')
  bytes.writeUInt32BE(type, 4)
  bytes.writeUInt32BE(length, 8)
  return bytes
}
