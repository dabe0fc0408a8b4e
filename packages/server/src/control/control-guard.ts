import type { ControlOperation, ControlOperations } from '@geartrain/protocol'
import type { Actor, Role } from '../access/actor.ts'
import { mayAsk } from '../access/packet-roles.ts'
import type { Schedules } from '../schedules/schedules.ts'
import { notFound } from './control-error.ts'
import { type ControlRow, controlRoles, denied, requireEverywhere, requireRole } from './control-roles.ts'
import type { JobFunctions } from './job-functions.ts'
import type { ControlRequest } from './requests.ts'

/** Holds the table of roles against each request. */
export class ControlGuard {
  readonly #jobFunctions: JobFunctions
  readonly #schedules: Schedules

  constructor(jobFunctions: JobFunctions, schedules: Schedules) {
    this.#jobFunctions = jobFunctions
    this.#schedules = schedules
  }

  /** Rejects with a ControlError unless the actor may do it. */
  async check({ op, params }: ControlRequest, actor: Actor): Promise<void> {
    const row = rowOf(op)
    const roles = rolesOf(row, params)
    if (roles.some((role) => actor.mayEverywhere(role))) return
    if (!roles.some((role) => actor.mayAnywhere(role))) throw denied(roles)
    const about = row.about(params)
    if (about === 'answer') return
    if (about === 'everything') return requireEverywhere(actor, roles)
    for (const name of about.functions ?? []) requireRole(actor, roles, name)
    for (const name of about.schedules ?? []) {
      const owner = this.#schedules.functionOf(name)
      if (owner === undefined) continue
      // Who would put one can't but learn that the name is taken.
      const isKnown = op === 'schedule put' || roles.some((role) => actor.may(role, owner)) || mayAsk(actor, owner)
      if (!isKnown) throw notFound(`there is no schedule "${name}"`)
      requireRole(actor, roles, owner)
    }
    for (const handle of about.handles ?? []) await this.#checkJob(actor, roles, handle)
  }

  /** What of an answer the actor may see. Throws a ControlError if it is none of it. */
  shown({ op, params }: ControlRequest, actor: Actor, answer: unknown): unknown {
    const row = rowOf(op)
    const roles = rolesOf(row, params)
    if (row.shown === undefined || roles.some((role) => actor.mayEverywhere(role))) return answer
    // The answer is that of the operation.
    const given = answer as ControlOperations[ControlOperation]['answer']
    return row.shown(given, (name) => roles.some((role) => actor.may(role, name)))
  }

  /**
   * One that nobody knows could come into being meanwhile, and be of any function. Whether there is one of a function
   * that the actor has nothing to do with, it is not told.
   */
  async #checkJob(actor: Actor, roles: readonly Role[], handle: string): Promise<void> {
    const name = await this.#jobFunctions.of(handle)
    const isKnown = name !== undefined && (roles.some((role) => actor.may(role, name)) || mayAsk(actor, name))
    if (!isKnown) throw notFound(`there is no job ${handle}`)
    if (!roles.some((role) => actor.may(role, name))) throw denied(roles, `the function of ${handle}`)
  }
}

/** TypeScript does not see that a row and the parameters of its operation go together. */
function rowOf(op: ControlOperation): ControlRow<ControlOperation> {
  return controlRoles[op] as ControlRow<ControlOperation>
}

function rolesOf({ roles }: ControlRow<ControlOperation>, params: ControlRequest['params']): readonly Role[] {
  return typeof roles === 'function' ? roles(params as never) : roles
}
