import type { ControlOperation, ControlOperations } from '@geartrain/protocol'
import type { Actor, Role } from '../access/actor.ts'
import { deniedSentence } from '../access/denied.ts'
import { fromWire } from '../policies/function-name.ts'
import { ControlError } from './control-error.ts'
import { noJob } from './no-job.ts'

type Params<Operation extends ControlOperation> = ControlOperations[Operation]['params']
type Answer<Operation extends ControlOperation> = ControlOperations[Operation]['answer']

/**
 * What an operation is about, on which its role is needed.
 *
 * - functions: these. A pattern takes a rule for all that it stands for.
 * - handles: the functions of these jobs, or of the schedules that clients have the handles of.
 * - schedules: the functions of these schedules.
 * - everything: all functions, and what is no function's.
 * - answer: what is shown of its answer; `shown` sees to it.
 */
type About =
  | {
      readonly functions?: readonly string[]
      readonly handles?: readonly string[]
      readonly schedules?: readonly string[]
    }
  | 'everything'
  | 'answer'

/** Any of `roles` is enough. */
export interface ControlRow<Operation extends ControlOperation> {
  readonly roles: readonly Role[] | ((params: Params<Operation>) => readonly Role[])
  /** Something is different afterwards: it is written to the audit log. */
  readonly isChange: boolean
  about(params: Params<Operation>): About
  /** The part of the answer that someone may see: of functions for which `may` is true. */
  shown?(answer: Answer<Operation>, may: (functionName: string) => boolean): Answer<Operation>
}

/**
 * Who may do what. A new operation is a row here; Control looks at it before the operation is called, so that the
 * operation need not.
 */
export const controlRoles: { readonly [Operation in ControlOperation]: ControlRow<Operation> } = {
  functions: {
    roles: ['view'],
    isChange: false,
    about: () => 'answer',
    shown: ({ functions, ...rest }, may) => ({ ...rest, functions: functions.filter(({ name }) => may(name)) }),
  },
  'function show': { roles: ['view'], isChange: false, about: ({ name }) => ({ functions: [name] }) },
  'function set': {
    roles: ({ values }) => (Object.keys(values).every((key) => switches.has(key)) ? ['operate'] : ['admin']),
    isChange: true,
    about: ({ name }) => ({ functions: [name] }),
  },
  'function purge': { roles: ['operate'], isChange: true, about: ({ name }) => ({ functions: [name] }) },
  policies: {
    roles: ['view'],
    isChange: false,
    about: () => 'answer',
    shown: ({ policies }, may) => ({ policies: policies.filter(({ name }) => may(name)) }),
  },

  jobs: {
    roles: ['view'],
    isChange: false,
    about: () => 'answer',
    shown: ({ jobs, ...rest }, may) => ({ ...rest, jobs: jobs.filter((job) => may(job.function)) }),
  },
  // They count those of functions that may be seen.
  'jobs count': { roles: ['view'], isChange: false, about: () => 'answer' },
  'jobs counts': { roles: ['view'], isChange: false, about: () => 'answer' },
  'jobs change': { roles: ['operate'], isChange: true, about: ({ handles, filter }) => aboutJobs(handles, filter) },
  // Whoever may submit jobs of a function may see what has become of them.
  'job show': {
    roles: ['view', 'submit'],
    isChange: false,
    about: () => 'answer',
    shown: (job, may) => {
      if (may(job.function)) return job
      throw noJob(job.handle)
    },
  },
  'job cancel': { roles: ['operate'], isChange: true, about: ({ handle }) => ({ handles: [handle] }) },
  'job run': { roles: ['operate'], isChange: true, about: ({ handle }) => ({ handles: [handle] }) },
  'job delete': { roles: ['operate'], isChange: true, about: ({ handle }) => ({ handles: [handle] }) },
  'job prioritize': { roles: ['operate'], isChange: true, about: ({ handle }) => ({ handles: [handle] }) },

  dead: {
    roles: ['view'],
    isChange: false,
    about: () => 'answer',
    shown: ({ jobs, ...rest }, may) => ({ ...rest, jobs: jobs.filter((job) => may(job.function)) }),
  },
  'dead groups': {
    roles: ['view'],
    isChange: false,
    about: () => 'answer',
    shown: ({ groups, ...rest }, may) => ({ ...rest, groups: groups.filter((group) => may(group.function)) }),
  },
  'dead retry': { roles: ['operate'], isChange: true, about: ({ handles, filter }) => aboutJobs(handles, filter) },
  'dead delete': { roles: ['operate'], isChange: true, about: ({ handles, filter }) => aboutJobs(handles, filter) },

  schedules: {
    roles: ['view'],
    isChange: false,
    about: () => 'answer',
    shown: ({ schedules, ...rest }, may) => ({
      ...rest,
      schedules: schedules.filter((schedule) => may(schedule.function)),
    }),
  },
  'schedule show': { roles: ['view'], isChange: false, about: ({ name }) => ({ schedules: [name] }) },
  // Of the new one, and of the one in whose place it comes. Its results are jobs of the function in `then`.
  'schedule put': {
    roles: ['operate'],
    isChange: true,
    about: (given) => ({ functions: functionsOf(given), schedules: namesOf(given) }),
  },
  'schedule pause': { roles: ['operate'], isChange: true, about: ({ name }) => ({ schedules: [name] }) },
  'schedule resume': { roles: ['operate'], isChange: true, about: ({ name }) => ({ schedules: [name] }) },
  'schedule run': { roles: ['operate'], isChange: true, about: ({ name }) => ({ schedules: [name] }) },
  'schedule remove': { roles: ['operate'], isChange: true, about: ({ name }) => ({ schedules: [name] }) },
  'schedule preview': { roles: ['view'], isChange: false, about: () => 'answer' },

  // They show functions that may be seen, and who has none to whoever may see all.
  connections: { roles: ['view'], isChange: false, about: () => 'answer' },
  'connection close': { roles: ['admin'], isChange: true, about: () => 'everything' },
  'server show': { roles: ['view'], isChange: false, about: () => 'answer' },
}

/** Of a function's policy, what is turned on and off by those who only operate. */
const switches: ReadonlySet<string> = new Set(['paused', 'draining'])

/** Those named, or those of the filter's function; without one, it is all functions. */
function aboutJobs(
  handles: readonly string[] | undefined,
  filter: { readonly function?: string | undefined } | undefined,
): About {
  if (handles !== undefined) return { handles }
  return filter?.function === undefined ? 'everything' : { functions: [filter.function] }
}

/** Throws a ControlError unless the actor has one of the roles on this function. */
export function requireRole(actor: Actor, roles: readonly Role[], functionName: string): void {
  if (roles.some((role) => actor.may(role, functionName))) return
  throw denied(roles, JSON.stringify(fromWire(functionName)))
}

/** The same for all functions, and for what is no function's. */
export function requireEverywhere(actor: Actor, roles: readonly Role[]): void {
  if (!roles.some((role) => actor.mayEverywhere(role))) throw denied(roles, 'all functions')
}

export function denied(roles: readonly Role[], subject?: string): ControlError {
  return new ControlError('ACCESS_DENIED', deniedSentence(roles, subject))
}

/** A definition that nobody has looked at yet; what is no text in it is refused later. */
function functionsOf(given: object): string[] {
  const { function: name, then = '' } = { ...given } as Record<string, unknown>
  return [name, then].filter((each) => typeof each === 'string' && each !== '') as string[]
}

function namesOf(given: object): string[] {
  const { name } = { ...given } as Record<string, unknown>
  return typeof name === 'string' ? [name] : []
}
