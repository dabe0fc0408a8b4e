import { type Engine, priorities } from '@geartrain/engine'
import { adminAnswers, parseAdminLine, type WireError, wireErrors } from '@geartrain/protocol'
import type { Connection, Listing, ListingPause } from './connection.ts'
import type { Connections } from './connections.ts'
import { type CancelContext, cancelJob } from './control/cancel-job.ts'
import type { Handles } from './handles.ts'
import type { Journal } from './journal.ts'
import type { Limits } from './limits.ts'
import { lookUpError } from './look-up-error.ts'
import type { StoredSummary, StoreFailure } from './store/store.ts'

export interface AdminFacts {
  readonly version: string
  readonly verbose: string
  readonly limits: Limits
}

export interface AdminContext extends CancelContext {
  readonly connections: Connections
}

/** The administrative text protocol: lines to what they do, and the tables they ask for. */
export class Admin {
  readonly #context: AdminContext
  readonly #engine: Engine
  readonly #connections: Connections
  readonly #handles: Handles
  readonly #facts: AdminFacts
  readonly #journal: Journal | undefined

  constructor(context: AdminContext, facts: AdminFacts) {
    this.#context = context
    this.#engine = context.engine
    this.#connections = context.connections
    this.#handles = context.handles
    this.#facts = facts
    this.#journal = context.journal
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
      case 'cancel job':
        return this.#cancel(connection, this.#handles.parse(command.handle))
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

  /** What is answered with OK does not come back: with a store, the answer waits for it. */
  #cancel(connection: Connection, number: number): void {
    const goOn = connection.pause()
    cancelJob(this.#context, number, (isKnown, failure) => {
      if (this.#connections.to(connection.id) === connection) {
        const answer = isKnown ? adminAnswers.ok : adminAnswers.unknownJob
        connection.output.text(failure === undefined ? answer : refusal('STORE_FAILED'))
      }
      goOn()
    })
  }

  /** Does what may bring a new function, within the limits that packets have for it. */
  #withinLimits(name: string, act: () => boolean): string {
    if (name.length > this.#facts.limits.functionNameBytesMax) return refusal('FUNCTION_TOO_LARGE')
    return act() ? adminAnswers.ok : refusal('TOO_MANY_FUNCTIONS')
  }

  *#status(): Listing {
    for (const { name, jobCount, runningCount, workerCount } of this.#engine.functions()) {
      yield `${oneLine(name)}\t${jobCount}\t${runningCount}\t${workerCount}\n`
    }
    yield listEnd
  }

  /** Delayed jobs wait among those of their priority, which is normal. */
  *#priorityStatus(): Listing {
    for (const jobFunction of this.#engine.functions()) {
      const { name, delayedCount, backlog, workerCount } = jobFunction
      const high = jobFunction.queuedCount(priorities.high)
      const normal = jobFunction.queuedCount(priorities.normal) + delayedCount + backlog.delayed
      const low = jobFunction.queuedCount(priorities.low)
      yield `${oneLine(name)}\t${high}\t${normal}\t${low}\t${workerCount}\n`
    }
    yield listEnd
  }

  *#workers(): Listing {
    for (const { id, abilities } of this.#engine.sessions()) {
      const connection = this.#connections.get(id)
      if (connection === undefined) continue
      const names = Array.from(abilities, (ability) => ` ${oneLine(ability.function.name)}`).reverse()
      yield `${id} ${connection.address} ${oneLine(connection.clientId)} :${names.join('')}\n`
    }
    yield listEnd
  }

  /** The third column would mark jobs that are cancelled and still listed; here they leave the list at once. */
  #showJobs(): Listing {
    return this.#listJobs((number, retries, isPersisted) => {
      return `${this.#handles.text(number)}\t${retries}\t0\t${isPersisted ? 1 : 0}\n`
    })
  }

  #showUniqueJobs(): Listing {
    return this.#listJobs((_number, _retries, _isPersisted, unique) => `${oneLine(unique)}\n`)
  }

  /** Those in memory, and then page by page those that only the store knows; if it can't say, a line that says so. */
  *#listJobs(row: (number: number, retries: number, isPersisted: boolean, unique: string) => string): Listing {
    // Jobs come into memory and leave it while the list is written.
    const listed = new Set<number>()
    for (const { number, retries, background, unique, state } of this.#engine.jobs()) {
      if (state === 'stored') continue
      if (background && this.#journal !== undefined) listed.add(number)
      yield row(number, retries, background, unique)
    }
    for (let after = 0; this.#journal !== undefined; ) {
      const page: Page = { jobs: [], failure: undefined }
      yield this.#readPage(after, page)
      for (const job of page.jobs) {
        const number = this.#handles.numberOf(job.number)
        if (!listed.has(number)) yield row(number, this.#engine.findJob(number)?.retries ?? 0, true, job.unique)
        after = job.number
      }
      if (page.failure !== undefined) yield errorLine(lookUpError(page.failure))
      if (page.jobs.length < pageJobs) break
    }
    yield listEnd
  }

  /** Puts the store's next jobs in the page and calls back. */
  #readPage(after: number, page: Page): ListingPause {
    return (goOn) => {
      this.#journal?.lookUp({ kind: 'list', after, jobsMax: pageJobs }, (answer) => {
        if (answer.kind === 'list') page.jobs = answer.jobs
        else if (answer.kind === 'failed') page.failure = answer.failure
        goOn()
      })
    }
  }
}

/** Jobs that are asked of the store at a time. */
const pageJobs = 1000

interface Page {
  jobs: readonly StoredSummary[]
  /** Why there are none. */
  failure: StoreFailure | undefined
}

/** What a client named must not look like a row of its own. */
function oneLine(name: string): string {
  return name.includes('\n') || name.includes('\r') ? name.replaceAll('\n', '\\n').replaceAll('\r', '\\r') : name
}

function refusal(error: WireError): string {
  return errorLine(wireErrors[error])
}

/** An ERROR packet's code and text in the form of the text protocol. */
function errorLine({ code, text }: { readonly code: string; readonly text: string }): string {
  return `ERR ${code} ${text.replaceAll(' ', '+')}\r\n`
}

const listEnd = '.\n'
const unlimited = Number.POSITIVE_INFINITY

const dropAnswers = {
  dropped: adminAnswers.ok,
  'not found': adminAnswers.functionNotFound,
  'in use': adminAnswers.functionInUse,
} as const
