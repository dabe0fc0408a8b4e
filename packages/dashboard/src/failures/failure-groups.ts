import type { DeadGroup, JobsChanged } from '@geartrain/protocol'
import { counted } from '../text/numbers.ts'

/** What names a group among the dead. */
export type GroupName = Pick<DeadGroup, 'function' | 'reason' | 'message'>

export function groupKey({ function: name, reason, message }: GroupName): string {
  return JSON.stringify([name, reason, message])
}

/**
 * A filter can ask for it alone. One whose own name has a `*` can't be told from the pattern, which others fit as well:
 * its jobs are changed one by one.
 */
export function isOneFunction(name: string): boolean {
  return !name.includes('*')
}

/** The jobs of a group, as the API's filters and those of the page of jobs have it. */
export function filterOf({ function: name, reason, message }: GroupName): GroupName & { readonly state: 'dead' } {
  return { state: 'dead', function: name, reason, message }
}

/** What has become of a change, for a person: `3 jobs are in line again; 1 is not: ...`. */
export function outcomeText({ changed, refused, refusals }: JobsChanged, action: 'retry' | 'delete'): string {
  const verb = changed === 1 ? 'is' : 'are'
  const done = `${counted(changed, 'job')} ${verb} ${action === 'retry' ? 'in line again' : 'deleted'}.`
  if (refused === 0) return done
  const why = refusals[0]?.why ?? 'the server does not say why'
  return `${done} ${counted(refused, 'job')} ${refused === 1 ? 'is' : 'are'} not: ${why}.`
}
