import type { ControlOperations, DeadGroup } from '@geartrain/protocol'
import type { Actor } from '../access/actor.ts'
import type { Handles } from '../handles.ts'
import type { StoredGroup } from '../store/store.ts'
import type { Inquiry } from './inquiry.ts'

type Params = ControlOperations['dead groups']['params']
type Answer = ControlOperations['dead groups']['answer']

const defaultLimit = 100
/** Groups that are told apart, and how often the store is asked, each time for a few milliseconds of its own. */
const groupsMax = 2000
const stepsMax = 100

/** Of functions that the actor may see. The latest are looked at first. */
export async function groupDead(
  inquiry: Inquiry,
  handles: Handles,
  { function: name, reason, limit = defaultLimit }: Params,
  actor: Actor,
): Promise<Answer> {
  const filter = { ...anyDead, function: name, reason }
  const groups = new Map<string, StoredGroup>()
  let from: number | undefined = Number.MAX_SAFE_INTEGER
  for (let step = 0; from !== undefined && step < stepsMax && groups.size < groupsMax; step++) {
    const request = { kind: 'group dead', filter, isDescending: true, from, groupsMax } as const
    const answer: { groups: readonly StoredGroup[]; next: number | undefined } = await inquiry.ask(
      request,
      'group dead',
    )
    for (const group of answer.groups) {
      if (!actor.may('view', group.function)) continue
      const key = `${group.function}\0${group.reason}\0${group.message}`
      groups.set(key, merged(groups.get(key), group))
    }
    from = answer.next
  }
  const sorted = [...groups.values()].sort((one, other) => other.count - one.count || other.lastAt - one.lastAt)
  const isExact = from === undefined && sorted.length <= limit
  return { groups: sorted.slice(0, limit).map((group) => describe(handles, group)), isExact }
}

/** All that are dead. */
export const anyDead = {
  state: 'dead',
  priority: undefined,
  unique: undefined,
  submittedFrom: undefined,
  submittedUntil: undefined,
  error: undefined,
  message: undefined,
} as const

function merged(one: StoredGroup | undefined, other: StoredGroup): StoredGroup {
  if (one === undefined) return other
  return {
    ...one,
    count: one.count + other.count,
    firstAt: Math.min(one.firstAt, other.firstAt),
    lastAt: Math.max(one.lastAt, other.lastAt),
    number: Math.max(one.number, other.number),
  }
}

function describe(handles: Handles, { number, ...group }: StoredGroup): DeadGroup {
  return { ...group, handle: handles.text(handles.numberOf(number)) }
}
