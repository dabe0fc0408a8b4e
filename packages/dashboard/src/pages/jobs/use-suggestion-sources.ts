import type { ControlOperations } from '@geartrain/protocol'
import { get } from '../../api/api.ts'
import { useResource } from '../../api/use-resource.ts'
import { live } from '../../live/live.ts'
import { readyCount } from '../../live/ready-count.ts'
import { asksForWorkers, type SuggestionSources } from './suggestions.ts'

const workersMax = 200

/** Functions are told live; workers are asked for when one is typed. */
export function useSuggestionSources(isOpen: boolean, text: string, caret: number): SuggestionSources {
  const isAsked = isOpen && asksForWorkers(text, caret)
  const { value } = useResource(isAsked ? 'workers' : undefined, (signal) =>
    get<ControlOperations['connections']['answer']>('workers', { limit: workersMax }, signal),
  )
  const functions = isOpen ? [...live.functions.value.values()] : []
  return {
    functions: functions.map((each) => ({
      name: each.name,
      count: readyCount(each) + each.delayed + each.running + each.dead,
    })),
    workers: (value?.connections ?? []).map(({ clientId, address, functions: able }) => ({
      text: clientId === '-' ? address : clientId,
      help: clientId === '-' ? able.join(', ') : address,
    })),
  }
}
