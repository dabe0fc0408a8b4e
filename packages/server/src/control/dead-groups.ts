import type { ControlOperations, DeadGroup } from '@geartrain/protocol'
import type { Actor } from '../access/actor.ts'
import type { Handles } from '../handles.ts'
import { anyJob, type StoredGroup } from '../store/store.ts'
import { mergedGroup } from '../store/stored-group.ts'
import type { Inquiry } from './inquiry.ts'
import { pageDefault } from './requests.ts'

type Params = ControlOperations['dead groups']['params']
type Answer = ControlOperations['dead groups']['answer']

/** Groups that are told apart, and how often the store is asked, each time for a few milliseconds of its own. */
const groupsMax = 2000
const stepsMax = 100

/** Of functions that the actor may see. The latest are looked at first. */
export async function groupDead(
  inquiry: Inquiry,
  handles: Handles,
  { function: name, reason, limit = pageDefault }: Params,
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
      groups.set(key, mergedGroup(groups.get(key), group))
    }
    from = answer.next
  }
  const sorted = [...groups.values()].sort((one, other) => other.count - one.count || other.lastAt - one.lastAt)
  const isExact = from === undefined && sorted.length <= limit
  return { groups: sorted.slice(0, limit).map((group) => describe(handles, group)), isExact }
}

/** All that are dead. */
export const anyDead = { ...anyJob, state: 'dead' } as const

function describe(handles: Handles, { number, ...group }: StoredGroup): DeadGroup {
  return { ...group, handle: handles.text(handles.numberOf(number)) }
}
