/**
 * What someone may be allowed to do, each for itself but that `operate` is `view` as well, and `admin` is all of them.
 *
 * - submit: submit jobs, and ask what has become of them.
 * - work: do jobs.
 * - view: see functions, jobs, workers, schedules and figures; payloads too, unless the function's policy hides them.
 * - operate: change what becomes of jobs: cancel, retry, pause, run now, schedules.
 * - admin: policies, connections, the server itself.
 */
export const roles = ['submit', 'work', 'view', 'operate', 'admin'] as const
export type Role = (typeof roles)[number]

/** The name of those whom no rule lets in. */
export const nobody = 'nobody'
/** Between the names of rules, none of which has it. */
export const nameSeparator = ', '

/** Whoever asks for something, by whatever way. */
export interface Actor {
  /** For the log: the names of the rules that let it in, or `anyone`. Who has the same name may do the same. */
  readonly name: string
  /** Where it comes from; `-` if that is not known. */
  readonly address: string
  /** On this function. */
  may(role: Role, functionName: string): boolean
  /** On one function at least. */
  mayAnywhere(role: Role): boolean
  /** On all functions, also those that nobody has named yet. What is no function's takes this. */
  mayEverywhere(role: Role): boolean
}

/** Where there are no rules. */
export function anyone(address: string): Actor {
  return { name: 'anyone', address, may: always, mayAnywhere: always, mayEverywhere: always }
}

function always(): true {
  return true
}

/** The server itself. */
export const itself: Actor = { ...anyone('-'), name: 'server' }

/** Names that no rule has. */
export const reservedNames: readonly string[] = [nobody, anyone('-').name, itself.name]
