import { Actor } from './actor.ts'
import { type Command, packet, text } from './command.ts'
import type { IncomingPacket } from './incoming.ts'

/** Asks and orders in the text protocol, on connections on which it now and then sends a packet as well. */
export class Administrator extends Actor {
  get isDone(): boolean {
    return true
  }

  protected onConnected(): void {
    this.send(text('version'))
    this.later(this.pauseMs(), () => this.#act())
  }

  protected onPacket(_packet: IncomingPacket): void {}

  protected onRetire(): void {
    this.leave('finish')
  }

  #act(): void {
    if (this.isRetired) return
    const { random } = this.stage
    const commands = Array.from({ length: random.pick([1, 1, 3, 20]) }, () => this.#command())
    this.send(...commands)
    if (this.chance(0.1)) this.peer?.dawdle(random.exponential(2000))
    if (this.chance(0.2)) this.leave('finish')
    else if (this.chance(0.03)) this.leave(random.pick(['finish', 'close', 'reset', 'vanish']))
    else this.later(3 * this.pauseMs(), () => this.#act())
  }

  /** Young jobs; with a disk, also those that may have been on it for long. */
  #handles(): string[] {
    const { ledger, plan, random } = this.stage
    if (plan.storage === undefined || random.chance(0.5)) return [...ledger.jobs.keys()].slice(-30)
    return [...ledger.live.values()].flatMap((jobs) => [...jobs]).map(({ handle }) => handle)
  }

  #command(): Command {
    const { random, plan } = this.stage
    const name = random.pick([...plan.functions, 'nobody-does-this'])
    const handles = this.#handles()
    const limit = plan.isLimited ? random.pick(['', ' 5', ' 3 2 1', ' 0']) : ' 0'
    return random.weighted<Command>([
      [8, text('status')],
      [2, text('prioritystatus')],
      [2, text('workers')],
      [2, text('show jobs')],
      [1, text('show unique jobs')],
      [1, text('version')],
      [1, text('verbose')],
      [1, text('show something')],
      [1, text('no such command')],
      [1, packet('ECHO_REQ', [], 'echo')],
      [3 * plan.mischief, text(`cancel job ${handles.length > 0 ? random.pick(handles) : 'H:nobody:1'}`)],
      [1, text(`maxqueue ${name}${limit}`)],
      [1, text(`create function ${name}`)],
      [1, text(`drop function ${name}`)],
      [0.2 * plan.mischief, text('one two three four five six')],
    ])
  }
}
