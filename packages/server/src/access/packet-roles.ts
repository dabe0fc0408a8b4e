import { type PacketName, packets } from '@geartrain/protocol'
import type { Actor, Role } from './actor.ts'

/** What a packet takes: a role on the function that is its first argument, or any of some roles anywhere. */
export type PacketRole = { readonly onFunction: Role } | { readonly anywhere: readonly Role[] } | 'everyone'

const submit: PacketRole = { onFunction: 'submit' }
const work: PacketRole = { onFunction: 'work' }
/** Whoever may submit jobs may ask how they stand; of jobs of other functions they are not told that there are any. */
const ask: PacketRole = { anywhere: ['submit', 'view'] }

/** Who may know that there is a job of this function. */
export function mayAsk(actor: Actor, functionName: string): boolean {
  return actor.may('submit', functionName) || actor.may('view', functionName)
}

/**
 * Who may send what. Packets about a job that a worker has are for the one that was given it, which the engine sees to;
 * CONTROL looks at each operation by itself.
 */
export const packetRoles: { readonly [Name in PacketName]: PacketRole } = {
  SUBMIT_JOB: submit,
  SUBMIT_JOB_BG: submit,
  SUBMIT_JOB_HIGH: submit,
  SUBMIT_JOB_HIGH_BG: submit,
  SUBMIT_JOB_LOW: submit,
  SUBMIT_JOB_LOW_BG: submit,
  SUBMIT_JOB_SCHED: submit,
  SUBMIT_JOB_EPOCH: submit,
  SUBMIT_REDUCE_JOB: submit,
  SUBMIT_REDUCE_JOB_BACKGROUND: submit,
  SUBMIT_JOB_WITH: submit,
  CAN_DO: work,
  CAN_DO_TIMEOUT: work,
  GET_STATUS: ask,
  GET_STATUS_UNIQUE: ask,

  CANT_DO: 'everyone',
  RESET_ABILITIES: 'everyone',
  PRE_SLEEP: 'everyone',
  GRAB_JOB: 'everyone',
  GRAB_JOB_UNIQ: 'everyone',
  GRAB_JOB_ALL: 'everyone',
  ALL_YOURS: 'everyone',
  WORK_STATUS: 'everyone',
  WORK_COMPLETE: 'everyone',
  WORK_FAIL: 'everyone',
  WORK_EXCEPTION: 'everyone',
  WORK_DATA: 'everyone',
  WORK_WARNING: 'everyone',
  ECHO_REQ: 'everyone',
  SET_CLIENT_ID: 'everyone',
  OPTION_REQ: 'everyone',
  CONTROL: 'everyone',

  // What the server sends, and takes from nobody.
  NOOP: 'everyone',
  JOB_CREATED: 'everyone',
  NO_JOB: 'everyone',
  JOB_ASSIGN: 'everyone',
  JOB_ASSIGN_UNIQ: 'everyone',
  JOB_ASSIGN_ALL: 'everyone',
  JOB_ASSIGN_TRACED: 'everyone',
  JOB_CANCEL: 'everyone',
  ECHO_RES: 'everyone',
  ERROR: 'everyone',
  STATUS_RES: 'everyone',
  STATUS_RES_UNIQUE: 'everyone',
  OPTION_RES: 'everyone',
  CONTROL_RES: 'everyone',
}

/** By type; undefined: it takes none. */
export const packetRolesByType: readonly (Exclude<PacketRole, 'everyone'> | undefined)[] = byType()

function byType(): (Exclude<PacketRole, 'everyone'> | undefined)[] {
  const roles: (Exclude<PacketRole, 'everyone'> | undefined)[] = []
  for (const [name, role] of Object.entries(packetRoles)) {
    // Object.entries forgets that the keys are the table's own.
    if (role !== 'everyone') roles[packets[name as PacketName].type] = role
  }
  return roles
}
