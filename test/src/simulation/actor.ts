import type { Command } from './command.ts'
import type { Incoming, IncomingPacket } from './incoming.ts'
import type { Leaving } from './link.ts'
import type { Peer, Stage } from './stage.ts'

/** Who finds no server tries again after that and a pause. */
const retryMs = 20

/** Somebody who uses the server over one connection after another. */
export abstract class Actor {
  readonly name: string
  protected readonly stage: Stage
  protected peer: Peer | undefined
  /** It is asked to come to an end: to do nothing new. */
  protected isRetired = false
  /** Never does any mischief. */
  readonly #isHonest: boolean

  constructor(stage: Stage, name: string, isHonest = false) {
    this.stage = stage
    this.name = name
    this.#isHonest = isHonest
  }

  start(delayMs: number = this.pauseMs()): void {
    this.stage.after(delayMs, () => this.connect())
  }

  retire(): void {
    this.isRetired = true
    this.onRetire()
  }

  /** Opens no more connections. */
  stop(): void {
    this.isRetired = true
  }

  /** It has done all that it will do. */
  abstract readonly isDone: boolean

  protected abstract onConnected(): void
  protected abstract onPacket(packet: IncomingPacket): void
  protected abstract onRetire(): void
  protected onLine(_line: string): void {}

  protected connect(): void {
    if (this.isRetired || this.peer !== undefined) return
    this.peer = this.stage.connect(
      this.name,
      {
        onIncoming: (incoming) => this.#onIncoming(incoming),
        onClosed: () => this.#onClosed(),
      },
      this.chance(0.1),
    )
    if (this.peer === undefined) this.stage.after(retryMs + this.pauseMs(), () => this.connect())
    else this.onConnected()
  }

  protected send(...commands: readonly Command[]): void {
    this.peer?.send(...commands)
  }

  protected leave(how: Leaving): void {
    this.peer?.leave(how)
  }

  /** For deeds that go wrong: as likely as the plan's mischief makes them, and not at all on the day of reckoning. */
  protected chance(probability: number): boolean {
    return !this.stage.isHealed && !this.#isHonest && this.stage.random.chance(probability * this.stage.plan.mischief)
  }

  protected pauseMs(): number {
    return this.stage.random.exponential(this.stage.plan.pauseMs)
  }

  /** Does it later, unless the connection has gone by then. */
  protected later(delayMs: number, run: () => void): void {
    const { peer } = this
    this.stage.after(delayMs, () => {
      if (this.peer === peer && peer?.isOpen === true) run()
    })
  }

  protected onClosed(): void {}

  #onIncoming(incoming: Incoming): void {
    if (incoming.name === 'LINE') this.onLine(incoming.line)
    else this.onPacket(incoming)
  }

  #onClosed(): void {
    this.peer = undefined
    this.onClosed()
    this.stage.after(this.pauseMs(), () => this.connect())
  }
}
