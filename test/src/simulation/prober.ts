import { Actor } from './actor.ts'
import { finalPackets, packet } from './command.ts'
import type { IncomingPacket } from './incoming.ts'
import type { Stage } from './stage.ts'

/** An honest client that asks for one job of each function at a time, and waits for the end of them. */
export class Prober extends Actor {
  #unfinished = 0
  #count = 0
  #isKeeping = false

  constructor(stage: Stage, name: string) {
    super(stage, name, true)
  }

  get isDone(): boolean {
    return this.#unfinished === 0
  }

  probe(): void {
    this.#count++
    for (const name of this.stage.plan.functions) {
      this.#unfinished++
      this.send(packet('SUBMIT_JOB', [name, ''], `${this.name} ${this.#count} ${name}`))
    }
  }

  /** The same, to be kept. When it is done, they are on the disk; whether they have been done nobody tells. */
  submit(): void {
    this.#isKeeping = true
    this.#count++
    for (const name of this.stage.plan.functions) {
      this.#unfinished++
      this.send(packet('SUBMIT_JOB_BG', [name, ''], `${this.name} ${this.#count} ${name}`))
    }
  }

  protected onConnected(): void {
    this.send(packet('ECHO_REQ', [], 'hello'))
  }

  protected onPacket({ name }: IncomingPacket): void {
    if (finalPackets.has(name)) this.#unfinished--
    if (name === 'JOB_CREATED' && this.#isKeeping) this.#unfinished--
  }

  protected onRetire(): void {}
}
