import type { Engine } from '@geartrain/engine'
import { type AdminCommand, adminAnswers, parseAdminLine, type WireError, wireErrors } from '@geartrain/protocol'
import type { Actor, Role } from './access/actor.ts'
import type { Audit } from './access/audit.ts'
import { deniedSentence } from './access/denied.ts'
import { isLoopback } from './access/network.ts'
import { mayAsk } from './access/packet-roles.ts'
import { functionTotals } from './cluster/totals.ts'
import type { Connection, Listing, ListingPause } from './connection.ts'
import type { Connections } from './connections.ts'
import { type CancelContext, cancelJob } from './control/cancel-job.ts'
import type { JobFunctions } from './control/job-functions.ts'
import type { Handles } from './handles.ts'
import type { Journal } from './journal.ts'
import type { Limits } from './limits.ts'
import { lookUpError } from './look-up-error.ts'
import type { StoredSummary, StoreFailure } from './store/store.ts'

export interface AdminFacts {
  readonly version: string
  readonly verbose: string
  readonly limits: Limits
  /** From where the text protocol is listened to. */
  readonly textAdmin: 'on' | 'loopback' | 'off'
}

export interface AdminContext extends CancelContext {
  readonly connections: Connections
  readonly turn: { begin(): void }
  readonly jobFunctions: JobFunctions
  readonly audit: Audit
}

/** What a command takes: a role on the function that it names, else anywhere. */
export const adminRoles: { readonly [Name in AdminCommand['name']]: Role | 'everyone' } = {
  status: 'view',
  prioritystatus: 'view',
  workers: 'view',
  'show jobs': 'view',
  'show unique jobs': 'view',
  version: 'everyone',
  getpid: 'view',
  verbose: 'view',
  'cancel job': 'operate',
  'create function': 'admin',
  'drop function': 'admin',
  maxqueue: 'admin',
  // These say themselves what is wrong, or that it is over.
  refused: 'everyone',
  close: 'everyone',
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
    const denied = this.#deny(connection, command)
    if (denied !== undefined) {
      this.#note(connection.actor, command, 'ACCESS_DENIED')
      return connection.output.text(deniedLine(denied))
    }
    const { actor } = connection
    switch (command.name) {
      case 'status':
        return connection.list(this.#status(actor))
      case 'prioritystatus':
        return connection.list(this.#priorityStatus(actor))
      case 'workers':
        return connection.list(this.#workers(actor))
      case 'show jobs':
        return connection.list(this.#showJobs(actor))
      case 'show unique jobs':
        return connection.list(this.#showUniqueJobs(actor))
      case 'version':
        return connection.output.text(`OK ${this.#facts.version}\n`)
      case 'getpid':
        return connection.output.text(`OK ${process.pid}\n`)
      case 'verbose':
        return connection.output.text(`OK ${this.#facts.verbose}\n`)
      case 'cancel job':
        return this.#cancel(connection, command)
      case 'create function':
        return this.#answerChange(
          connection,
          command,
          this.#withinLimits(command.function, () => this.#engine.createFunction(command.function)),
        )
      case 'drop function':
        return this.#answerChange(connection, command, dropAnswers[this.#engine.dropFunction(command.function)])
      case 'maxqueue': {
        const { high, normal, low } = command.limits
        const limits = { high: high || unlimited, normal: normal || unlimited, low: low || unlimited }
        return this.#answerChange(
          connection,
          command,
          this.#withinLimits(command.function, () => this.#engine.limitQueue(command.function, limits)),
        )
      }
      case 'refused':
        return connection.output.text(command.answer)
      case 'close':
        return connection.close()
    }
  }

  /** Why the command is not for this peer; undefined: it is. Whose job is to be cancelled is looked at later. */
  #deny({ actor, address }: Connection, command: AdminCommand): string | undefined {
    if (command.name === 'close') return undefined
    const { textAdmin } = this.#facts
    if (textAdmin === 'off') return 'the text protocol is switched off on this server'
    if (textAdmin === 'loopback' && !isLoopback(address)) return 'the text protocol is only for the server itself'
    const role = adminRoles[command.name]
    if (role === 'everyone') return undefined
    const isAllowed = 'function' in command ? actor.may(role, command.function) : actor.mayAnywhere(role)
    return isAllowed ? undefined : deniedSentence([role])
  }

  #answerChange(connection: Connection, command: AdminCommand, answer: string): void {
    this.#note(connection.actor, command, outcomeOf(answer))
    connection.output.text(answer)
  }

  /** The commands that change something are audited. */
  #note(actor: Actor, { name: operation, ...subject }: AdminCommand, outcome: string): void {
    if (changes.has(operation)) this.#context.audit({ operation, actor, subject, outcome })
  }

  /** What is answered with OK does not come back: with a store, the answer waits for it. */
  #cancel(connection: Connection, command: Extract<AdminCommand, { name: 'cancel job' }>): void {
    const goOn = connection.pause()
    const answer = (text: string) => {
      this.#note(connection.actor, command, outcomeOf(text))
      if (this.#connections.to(connection.id) === connection) connection.output.text(text)
      goOn()
    }
    this.#whenAllowed(connection.actor, command.handle, answer, () =>
      cancelJob(this.#context, this.#handles.parse(command.handle), (isKnown, failure) => {
        if (failure !== undefined) answer(refusal('STORE_FAILED'))
        else answer(isKnown ? adminAnswers.ok : adminAnswers.unknownJob)
      }),
    )
  }

  /** Goes on at once if the job's function makes no difference. */
  #whenAllowed(actor: Actor, handle: string, refuse: (answer: string) => void, goOn: () => void): void {
    const role = 'operate'
    if (actor.mayEverywhere(role)) return goOn()
    this.#context.jobFunctions.of(handle).then(
      (name) => {
        this.#context.turn.begin()
        // That there is one of a function that is none of theirs, they are not told.
        if (name === undefined || !(actor.may(role, name) || mayAsk(actor, name))) refuse(adminAnswers.unknownJob)
        else if (actor.may(role, name)) goOn()
        else refuse(deniedLine(deniedSentence([role], 'the function of this job')))
      },
      () => {
        this.#context.turn.begin()
        refuse(refusal('STORE_FAILED'))
      },
    )
  }

  /** Does what may bring a new function, within the limits that packets have for it. */
  #withinLimits(name: string, act: () => boolean): string {
    if (name.length > this.#facts.limits.functionNameBytesMax) return refusal('FUNCTION_TOO_LARGE')
    return act() ? adminAnswers.ok : refusal('TOO_MANY_FUNCTIONS')
  }

  *#status(actor: Actor): Listing {
    for (const jobFunction of this.#engine.functions()) {
      const { name } = jobFunction
      if (!actor.may('view', name)) continue
      const { all, running, workers } = functionTotals(jobFunction)
      yield `${oneLine(name)}\t${all}\t${running}\t${workers}\n`
    }
    yield listEnd
  }

  /** Delayed jobs wait among those of their priority, which is normal. */
  *#priorityStatus(actor: Actor): Listing {
    for (const jobFunction of this.#engine.functions()) {
      const { name } = jobFunction
      if (!actor.may('view', name)) continue
      const { ready, delayed, workers } = functionTotals(jobFunction)
      yield `${oneLine(name)}\t${ready[0]}\t${ready[1] + delayed}\t${ready[2]}\t${workers}\n`
    }
    yield listEnd
  }

  /** Who may not view all functions sees the connections that have one which it may. */
  *#workers(actor: Actor): Listing {
    const isAll = actor.mayEverywhere('view')
    for (const { id, abilities } of this.#engine.sessions()) {
      const connection = this.#connections.get(id)
      if (connection === undefined) continue
      const functions = Array.from(abilities, (ability) => ability.function.name)
      const seen = isAll ? functions : functions.filter((name) => actor.may('view', name))
      if (!isAll && seen.length === 0) continue
      const names = seen.map((name) => ` ${oneLine(name)}`).reverse()
      yield `${id} ${connection.address} ${oneLine(connection.clientId)} :${names.join('')}\n`
    }
    yield listEnd
  }

  /** The third column would mark jobs that are cancelled and still listed; here they leave the list at once. */
  #showJobs(actor: Actor): Listing {
    return this.#listJobs(actor, (number, retries, isPersisted) => {
      return `${this.#handles.text(number)}\t${retries}\t0\t${isPersisted ? 1 : 0}\n`
    })
  }

  #showUniqueJobs(actor: Actor): Listing {
    return this.#listJobs(actor, (_number, _retries, _isPersisted, unique) => `${oneLine(unique)}\n`)
  }

  /** Those in memory, and then page by page those that only the store knows; if it can't say, a line that says so. */
  *#listJobs(
    actor: Actor,
    row: (number: number, retries: number, isPersisted: boolean, unique: string) => string,
  ): Listing {
    const isAll = actor.mayEverywhere('view')
    // Jobs come into memory and leave it while the list is written.
    const listed = new Set<number>()
    for (const { number, retries, background, unique, state, function: jobFunction } of this.#engine.jobs()) {
      if (state === 'stored' || (!isAll && !actor.may('view', jobFunction.name))) continue
      if (background && this.#journal !== undefined) listed.add(number)
      yield row(number, retries, background, unique)
    }
    for (let after = 0; this.#journal !== undefined; ) {
      const page: Page = { jobs: [], failure: undefined }
      yield this.#readPage(after, page)
      for (const job of page.jobs) {
        after = job.number
        const number = this.#handles.numberOf(job.number)
        if (listed.has(number) || (!isAll && !actor.may('view', job.function))) continue
        yield row(number, this.#engine.findJob(number)?.retries ?? 0, true, job.unique)
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

const changes: ReadonlySet<AdminCommand['name']> = new Set([
  'cancel job',
  'create function',
  'drop function',
  'maxqueue',
])

/** `OK`, or `ERR` and a code. */
function outcomeOf(answer: string): string {
  if (!answer.startsWith('ERR')) return 'done'
  return /^ERR ([A-Z_]+)/.exec(answer)?.[1] ?? 'CONFLICT'
}

function deniedLine(text: string): string {
  return errorLine({ code: 'ACCESS_DENIED', text })
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
