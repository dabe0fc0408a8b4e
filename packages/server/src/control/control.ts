import type { ControlAnswer, ControlErrorCode, ControlOperation, ControlOperations } from '@geartrain/protocol'
import type { Actor } from '../access/actor.ts'
import { type Audit, auditTo, subjectOf } from '../access/audit.ts'
import type { Archive } from '../archive.ts'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Schedules } from '../schedules/schedules.ts'
import { ConnectionControl } from './connections.ts'
import { ControlGuard } from './control-guard.ts'
import { controlRoles } from './control-roles.ts'
import { DeadControl } from './dead.ts'
import { groupDead } from './dead-groups.ts'
import { FunctionControl } from './functions.ts'
import { Inquiry } from './inquiry.ts'
import { JobChanges } from './job-changes.ts'
import { countByState, countJobs } from './job-counts.ts'
import { JobFunctions } from './job-functions.ts'
import { listJobs } from './job-list.ts'
import { JobControl, type JobsContext } from './jobs.ts'
import { parseRequest, readRequest } from './requests.ts'
import { ScheduleControl } from './schedules.ts'
import { type ServerFacts, showServer } from './server-state.ts'

type Operations = ControlOperations

export interface ControlContext extends Omit<JobsContext, 'inquiry'> {
  readonly clock: Clock
  readonly turn: { begin(): void }
  readonly log: Log
  readonly archive: Archive
  readonly schedules: Schedules
  facts(): ServerFacts
}

/**
 * What can be asked of the server beside jobs, whoever asks: an operation and its parameters in, an answer or an error
 * out. See `packages/protocol/src/control.ts`.
 */
export class Control {
  readonly #turn: { begin(): void }
  readonly #log: Log
  readonly #audit: Audit
  readonly #guard: ControlGuard
  /** For others who have to know of which function a job is. */
  readonly jobFunctions: JobFunctions
  readonly #functions: FunctionControl
  readonly #operations: {
    readonly [Operation in ControlOperation]: (
      params: Operations[Operation]['params'],
      actor: Actor,
    ) => Operations[Operation]['answer'] | Promise<Operations[Operation]['answer']>
  }

  constructor(context: ControlContext) {
    const { engine, handles, journal, archive, clock, turn, log, policies, schedules } = context
    this.#turn = turn
    this.#log = log
    this.#audit = auditTo(log)
    const inquiry = new Inquiry(
      archive,
      () => turn.begin(),
      (callback) => clock.soon(callback),
    )
    this.jobFunctions = new JobFunctions(engine, handles, schedules, inquiry)
    this.#guard = new ControlGuard(this.jobFunctions, schedules)
    const jobsContext = { ...context, inquiry }
    const functions = new FunctionControl(policies, context.wallTime, jobsContext)
    this.#functions = functions
    const jobs = new JobControl(jobsContext)
    const dead = new DeadControl(engine, handles, inquiry)
    const scheduled = new ScheduleControl(schedules, journal)
    const changes = new JobChanges(jobsContext, jobs, dead)
    const connected = new ConnectionControl(context)
    this.#operations = {
      functions: (params) => functions.list(params),
      'function show': (params) => functions.show(params),
      'function set': (params) => functions.set(params),
      'function purge': (params) => functions.purge(params),
      policies: () => functions.policies(),
      jobs: (params, actor) => listJobs(jobsContext, params, actor),
      'jobs count': ({ filter }, actor) => countJobs(jobsContext, actor, filter),
      'jobs counts': ({ filter }, actor) => countByState(jobsContext, actor, filter),
      'jobs change': (params, actor) => changes.change(params, actor),
      'job show': (params, actor) => jobs.show(params, actor),
      'job cancel': (params) => jobs.cancel(params),
      'job run': (params) => jobs.run(params),
      'job delete': (params) => jobs.delete(params),
      'job prioritize': (params) => jobs.prioritize(params),
      dead: (params, actor) => dead.list(params, actor),
      'dead retry': (params) => dead.retry(params),
      'dead delete': (params) => dead.delete(params),
      'dead groups': (params, actor) => groupDead(inquiry, handles, params, actor),
      schedules: (params) => scheduled.list(params),
      'schedule show': (params) => scheduled.show(params),
      'schedule put': (params) => scheduled.put(params),
      'schedule pause': (params) => scheduled.pause(params),
      'schedule resume': (params) => scheduled.resume(params),
      'schedule run': (params) => scheduled.run(params),
      'schedule remove': (params) => scheduled.remove(params),
      'schedule preview': (params) => scheduled.preview(params),
      connections: (params, actor) => connected.list(params, actor),
      'connection close': (params) => connected.close(params),
      'server show': (_params, actor) => showServer(jobsContext, context.facts(), actor),
    }
  }

  /** What waits of a function in this server's memory ends. How many there were; rejects with a ControlError. */
  async purgeHere(name: string): Promise<number> {
    this.#turn.begin()
    return await this.#functions.purgeHere(name)
  }

  /** Calls back within a turn, once: at once or later. */
  perform(request: unknown, actor: Actor, onAnswer: (answer: ControlAnswer<unknown>) => void): void {
    void this.#perform(() => request, actor).then((answer) => {
      this.#turn.begin()
      onAnswer(answer)
    })
  }

  /** The same for a request, and an answer, in JSON. */
  performJson(request: Uint8Array, actor: Actor, onAnswer: (answer: Buffer) => void): void {
    void this.#perform(() => parseRequest(request), actor).then((answer) => {
      this.#turn.begin()
      onAnswer(this.#toJson(answer))
    })
  }

  /** An answer may be too long to be written. */
  #toJson(answer: ControlAnswer<unknown>): Buffer {
    try {
      return Buffer.from(JSON.stringify(answer))
    } catch (error) {
      return Buffer.from(JSON.stringify(this.#refuse(error)))
    }
  }

  async #perform(read: () => unknown, actor: Actor): Promise<ControlAnswer<unknown>> {
    this.#turn.begin()
    let given: unknown
    try {
      given = read()
      const request = readRequest(given)
      await this.#guard.check(request, actor)
      // The parameters are those of the operation; TypeScript does not see that the two go together.
      const operation = this.#operations[request.op] as (params: unknown, actor: Actor) => unknown
      const answer = await operation(request.params, actor)
      this.#note(given, actor, 'done')
      return { ok: true, answer: this.#guard.shown(request, actor, answer) }
    } catch (error) {
      const refused = this.#refuse(error)
      if (!refused.ok) this.#note(given, actor, refused.error.code)
      return refused
    }
  }

  /** What changes something, or was to, is audited. */
  #note(given: unknown, actor: Actor, outcome: string): void {
    if (typeof given !== 'object' || given === null || !('op' in given) || !isChange(given.op)) return
    this.#audit({ operation: given.op, actor, subject: subjectOf(given), outcome })
  }

  /** A fault of ours in one operation is not the end of the server. */
  #refuse(error: unknown): ControlAnswer<unknown> {
    if (isRefusal(error)) return { ok: false, error: { code: error.code, message: error.message } }
    this.#log.error({ err: error }, 'an operation of CONTROL has failed, which is a fault of this program')
    const message = `a fault of this server, which its log tells more of: ${error instanceof Error ? error.message : String(error)}`
    return { ok: false, error: { code: 'INTERNAL_ERROR', message } }
  }
}

function isChange(op: unknown): op is ControlOperation {
  if (typeof op !== 'string' || !Object.hasOwn(controlRoles, op)) return false
  return controlRoles[op as ControlOperation].isChange
}

const codes: Readonly<Record<ControlErrorCode, true>> = {
  BAD_REQUEST: true,
  ACCESS_DENIED: true,
  NOT_FOUND: true,
  CONFLICT: true,
  STORE_FAILED: true,
  SHUTTING_DOWN: true,
  INTERNAL_ERROR: true,
}

/** Anything else is a fault of ours. */
function isRefusal(error: unknown): error is Error & { readonly code: ControlErrorCode } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && Object.hasOwn(codes, error.code)
}
