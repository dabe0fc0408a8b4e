import { Actor } from './actor.ts'
import { type Command, packet, text } from './command.ts'
import type { IncomingPacket } from './incoming.ts'
import type { Stage } from './stage.ts'

const handlesMax = 40

/** Asks for all tables and for many jobs, one question at a time; what the answers must be the census knows. */
export class Auditor extends Actor {
  #questions: Command[] = []
  #isWaiting = false

  constructor(stage: Stage, name: string) {
    super(stage, name, true)
  }

  get isDone(): boolean {
    return this.#questions.length === 0 && !this.#isWaiting
  }

  audit(): void {
    const { ledger, random } = this.stage
    const handles = [...ledger.live.values()].flatMap((jobs) => [...jobs]).map(({ handle }) => handle)
    const some = Array.from({ length: Math.min(handlesMax, handles.length) }, () => random.pick(handles))
    this.#questions = [text('status'), text('show jobs'), ...some.map((handle) => packet('GET_STATUS', [handle]))]
    this.#ask()
  }

  protected onConnected(): void {}

  protected onPacket(_packet: IncomingPacket): void {
    this.#ask()
  }

  protected override onLine(line: string): void {
    if (line === '.') this.#ask()
  }

  protected onRetire(): void {
    this.leave('finish')
  }

  #ask(): void {
    const question = this.#questions.shift()
    this.#isWaiting = question !== undefined
    if (question !== undefined) this.send(question)
  }
}
