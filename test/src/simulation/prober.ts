import { Actor } from './actor.ts'
import { finalPackets, packet } from './command.ts'
import type { IncomingPacket } from './incoming.ts'
import type { Stage } from './stage.ts'

/** An honest client that asks for one job of each function at a time. */
export class Prober extends Actor {
  #unfinished = 0
  #count = 0

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

  protected onConnected(): void {
    this.send(packet('ECHO_REQ', [], 'hello'))
  }

  protected onPacket({ name }: IncomingPacket): void {
    if (finalPackets.has(name)) this.#unfinished--
  }

  protected onRetire(): void {}
}
