import type { Finding, LiveServer } from '@geartrain/protocol'
import type { Actor } from '../access/actor.ts'
import type { EventStream } from '../http/event-stream.ts'
import { textOfName } from '../http/names.ts'
import type { Observers } from '../observers.ts'
import type { Bulletin } from './bulletin.ts'
import { ChangeWatch } from './change-watch.ts'
import { Changes, type WrittenChange } from './changes.ts'
import { type FindingContext, FindingWatch } from './findings/finding-watch.ts'
import { ToldFindings } from './findings/told-findings.ts'
import { flowing } from './function-state.ts'
import { FunctionStates, ticksKept } from './function-states.ts'
import { ServerMeter } from './server-state.ts'

const tickMs = 1000
/** Dead jobs are counted anew when that is older. */
const deadAgeMsMax = 2000

export interface LiveWishes {
  readonly actor: Actor
  /** Functions to be told of; undefined: all. */
  readonly names: readonly string[] | undefined
  /** In ticks. */
  readonly interval: number
}

/** What readers see alike: what is written for one is written for all of them. */
interface Scope {
  readonly key: string
  readonly actor: Actor
  readonly names: readonly string[] | undefined
  /** It is that of one who may view all functions. */
  readonly isWhole: boolean
}

interface Reader {
  readonly stream: EventStream
  readonly scope: Scope
  readonly interval: number
  /** The tick that it was told last. */
  since: number
}

export interface LiveFeedContext extends FindingContext {
  readonly bulletin: Bulletin
  readonly observers: Observers
}

/**
 * Tells readers of event streams how the server is: everything when they come, then what has changed, tick by tick.
 * One that is behind is left out, and gets all that has changed meanwhile, as it is then. While nobody reads, nothing
 * is done.
 */
export class LiveFeed {
  readonly #context: LiveFeedContext
  readonly #states: FunctionStates
  readonly #server: ServerMeter
  readonly #findings: FindingWatch
  readonly #changes: Changes
  readonly #readers = new Set<Reader>()
  #tick = 0
  #at = 0
  #serverState: LiveServer | undefined
  readonly #toldFindings = new ToldFindings()
  /** What was written of this tick, by scope and the tick that it goes on from. */
  readonly #written = new Map<string, Buffer>()
  /** Set while there are readers. */
  #stop: (() => void) | undefined

  constructor(context: LiveFeedContext) {
    const { clock } = context.figures
    this.#context = context
    this.#states = new FunctionStates(context.figures)
    this.#server = new ServerMeter(context.figures)
    this.#findings = new FindingWatch(context)
    this.#changes = new Changes(clock, (changes) => this.#tell(changes))
  }

  get readerCount(): number {
    return this.#readers.size
  }

  /** To be awaited before the first `add`: there are things that only the store knows. */
  async prepare(): Promise<void> {
    await Promise.all([this.#context.figures.dead.refresh(deadAgeMsMax), this.#findings.prepare()])
  }

  /** What is wrong, as far as the actor may see. While nobody reads, it is looked for when that is asked. */
  async findings(actor: Actor): Promise<Finding[]> {
    const isOld = () => this.#stop === undefined && this.#findings.ageMs >= tickMs
    if (isOld()) await this.#findings.prepare()
    // Of those who have waited together, one is enough.
    if (isOld()) this.#findings.look(undefined)
    return this.#found(scopeOf({ actor, names: undefined }))
  }

  /** A reader, from now on. Gives the way to leave. */
  add(stream: EventStream, wishes: LiveWishes): () => void {
    this.#stop ??= this.#start()
    const reader = { stream, scope: scopeOf(wishes), interval: wishes.interval, since: this.#tick }
    this.#readers.add(reader)
    stream.sendWritten(this.#message(reader.scope, undefined))
    return () => {
      this.#readers.delete(reader)
      if (this.#readers.size > 0) return
      this.#stop?.()
      this.#stop = undefined
    }
  }

  /** There are other rules of access: the same name can stand for less than when it was written for. */
  forgetWritten(): void {
    this.#written.clear()
    this.#toldFindings.clear()
  }

  #start(): () => void {
    const { bulletin, observers, handles, figures } = this.#context
    const tell = (change: Parameters<Changes['add']>[0]) => this.#changes.add(change)
    const leave = [bulletin.listen(tell), observers.add(new ChangeWatch(handles, tell))]
    this.#server.start()
    this.#look()
    let stopTimer = () => {}
    const next = () => {
      stopTimer = figures.clock.after(tickMs, () => {
        next()
        this.#turn()
      })
    }
    next()
    return () => {
      stopTimer()
      for (const each of leave) each()
      this.#changes.stop()
      this.#server.stop()
      this.#states.clear()
      this.#written.clear()
      this.#toldFindings.clear()
    }
  }

  #turn(): void {
    this.#look()
    void this.prepare()
    for (const reader of this.#readers) {
      if (this.#tick - reader.since < reader.interval || reader.stream.isBehind) continue
      const isLongAgo = this.#tick - reader.since >= ticksKept
      if (reader.stream.sendWritten(this.#message(reader.scope, isLongAgo ? undefined : reader.since))) {
        reader.since = this.#tick
      }
    }
  }

  #look(): void {
    this.#tick++
    this.#written.clear()
    this.#at = this.#context.figures.clock.wallNow()
    this.#states.update(this.#tick)
    this.#serverState = this.#server.take()
    this.#findings.look(this.#serverState)
    this.#toldFindings.forget(this.#tick - ticksKept)
  }

  /** What has changed after that tick; undefined: everything. */
  #message(scope: Scope, since: number | undefined): Buffer {
    const key = `${since ?? ''} ${scope.key}`
    let written = this.#written.get(key)
    if (written === undefined) this.#written.set(key, (written = Buffer.from(this.#write(scope, since))))
    return written
  }

  #write(scope: Scope, since: number | undefined): string {
    const { actor, names, isWhole } = scope
    const { functions, clock } = this.#context.figures
    const maySee = isWhole ? everything : (name: string) => actor.may('view', name)
    const states = this.#states.written(since ?? 0, maySee, names)
    const parts = [`"at":${this.#at}`, `"functions":[${states.join(',')}]`]
    if (since !== undefined) {
      const gone = this.#states.gone(since, maySee, names)
      if (gone.length > 0) parts.push(`"gone":${JSON.stringify(gone.map(textOfName))}`)
    }
    const findings = this.#toldFindings.written(scope.key, this.#tick, since, () => this.#found(scope))
    if (findings !== undefined) parts.push(`"findings":${findings}`)
    if (isWhole) {
      parts.push(`"all":${JSON.stringify(flowing(functions.total, clock.now()))}`)
      parts.push(`"server":${JSON.stringify(this.#serverState)}`)
    }
    return `event: ${since === undefined ? 'snapshot' : 'counters'}\ndata: {${parts.join(',')}}\n\n`
  }

  #found({ actor, names, isWhole }: Scope): Finding[] {
    return this.#findings.found(
      (name) => names?.includes(name) !== false && (isWhole || actor.may('view', name)),
      isWhole,
    )
  }

  #tell(changes: readonly WrittenChange[]): void {
    const written = new Map<string, Buffer>()
    for (const { stream, scope } of this.#readers) {
      if (stream.isBehind) continue
      let events = written.get(scope.key)
      if (events === undefined) {
        events = Buffer.from(
          changes
            .filter((change) => concerns(change, scope))
            .map(eventOf)
            .join(''),
        )
        written.set(scope.key, events)
      }
      if (events.length > 0) stream.sendWritten(events)
    }
  }
}

/** Those whom the same rules let in may see the same. */
function scopeOf({ actor, names }: Pick<LiveWishes, 'actor' | 'names'>): Scope {
  const isWhole = actor.mayEverywhere('view')
  return { key: JSON.stringify([isWhole || actor.name, names]), actor, names, isWhole }
}

function concerns({ function: name }: WrittenChange, { actor, names, isWhole }: Scope): boolean {
  if (name === undefined) return true
  if (names !== undefined && !names.includes(name)) return false
  return isWhole || (name !== '*' && actor.may('view', name))
}

function eventOf({ event }: WrittenChange): string {
  return event
}

function everything(): boolean {
  return true
}
