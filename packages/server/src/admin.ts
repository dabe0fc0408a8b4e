import type { Engine } from '@geartrain/engine'
import { adminAnswers, parseAdminLine, type WireError, wireErrors } from '@geartrain/protocol'
import type { Connection } from './connection.ts'
import type { Connections } from './connections.ts'
import type { Handles } from './handles.ts'
import type { Limits } from './limits.ts'

export interface AdminFacts {
  readonly version: string
  readonly verbose: string
  readonly limits: Limits
}

/** The administrative text protocol: lines to what they do, and the tables they ask for. */
export class Admin {
  readonly #engine: Engine
  readonly #connections: Connections
  readonly #handles: Handles
  readonly #facts: AdminFacts

  constructor(engine: Engine, connections: Connections, handles: Handles, facts: AdminFacts) {
    this.#engine = engine
    this.#connections = connections
    this.#handles = handles
    this.#facts = facts
  }

  line(connection: Connection, line: string): void {
    const command = parseAdminLine(line)
    switch (command.name) {
      case 'status':
        return connection.list(this.#status())
      case 'prioritystatus':
        return connection.list(this.#priorityStatus())
      case 'workers':
        return connection.list(this.#workers())
      case 'show jobs':
        return connection.list(this.#showJobs())
      case 'show unique jobs':
        return connection.list(this.#showUniqueJobs())
      case 'version':
        return connection.output.text(`OK ${this.#facts.version}\n`)
      case 'getpid':
        return connection.output.text(`OK ${process.pid}\n`)
      case 'verbose':
        return connection.output.text(`OK ${this.#facts.verbose}\n`)
      case 'cancel job': {
        const isKnown = this.#engine.cancel(this.#handles.parse(command.handle))
        return connection.output.text(isKnown ? adminAnswers.ok : adminAnswers.unknownJob)
      }
      case 'create function':
        return connection.output.text(
          this.#withinLimits(command.function, () => this.#engine.createFunction(command.function)),
        )
      case 'drop function':
        return connection.output.text(dropAnswers[this.#engine.dropFunction(command.function)])
      case 'maxqueue': {
        const { high, normal, low } = command.limits
        const limits = { high: high || unlimited, normal: normal || unlimited, low: low || unlimited }
        return connection.output.text(
          this.#withinLimits(command.function, () => this.#engine.limitQueue(command.function, limits)),
        )
      }
      case 'refused':
        return connection.output.text(command.answer)
      case 'close':
        return connection.close()
    }
  }

  /** Does what may bring a new function, within the limits that packets have for it. */
  #withinLimits(name: string, act: () => boolean): string {
    if (name.length > this.#facts.limits.functionNameBytesMax) return refusal('FUNCTION_TOO_LARGE')
    return act() ? adminAnswers.ok : refusal('TOO_MANY_FUNCTIONS')
  }

  *#status(): Generator<string, void> {
    for (const { name, jobCount, runningCount, workerCount } of this.#engine.functions()) {
      yield `${oneLine(name)}\t${jobCount}\t${runningCount}\t${workerCount}\n`
    }
    yield listEnd
  }

  /** Delayed jobs wait among those of their priority, which is normal. */
  *#priorityStatus(): Generator<string, void> {
    for (const { name, ready, delayedCount, workerCount } of this.#engine.functions()) {
      const [high, normal, low] = ready
      yield `${oneLine(name)}\t${high.length}\t${normal.length + delayedCount}\t${low.length}\t${workerCount}\n`
    }
    yield listEnd
  }

  *#workers(): Generator<string, void> {
    for (const { id, abilities } of this.#engine.sessions()) {
      const connection = this.#connections.get(id)
      if (connection === undefined) continue
      const names = Array.from(abilities, (ability) => ` ${oneLine(ability.function.name)}`).reverse()
      yield `${id} ${connection.address} ${oneLine(connection.clientId)} :${names.join('')}\n`
    }
    yield listEnd
  }

  /** The third column would mark jobs that are cancelled and still listed; here they leave the list at once. */
  *#showJobs(): Generator<string, void> {
    for (const { number, retries, background } of this.#engine.jobs()) {
      yield `${this.#handles.text(number)}\t${retries}\t0\t${background ? 1 : 0}\n`
    }
    yield listEnd
  }

  *#showUniqueJobs(): Generator<string, void> {
    for (const { unique } of this.#engine.jobs()) yield `${oneLine(unique)}\n`
    yield listEnd
  }
}

/** What a client named must not look like a row of its own. */
function oneLine(name: string): string {
  return name.includes('\n') || name.includes('\r') ? name.replaceAll('\n', '\\n').replaceAll('\r', '\\r') : name
}

/** An ERROR packet's code and text in the form of the text protocol. */
function refusal(error: WireError): string {
  const { code, text } = wireErrors[error]
  return `ERR ${code} ${text.replaceAll(' ', '+')}\r\n`
}

const listEnd = '.\n'
const unlimited = Number.POSITIVE_INFINITY

const dropAnswers = {
  dropped: adminAnswers.ok,
  'not found': adminAnswers.functionNotFound,
  'in use': adminAnswers.functionInUse,
} as const
