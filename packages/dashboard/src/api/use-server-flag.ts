import type { ControlOperations } from '@geartrain/protocol'
import { mayEverywhere } from '../session/session.ts'
import { serverFlag } from '../text/server-flag.ts'
import { get } from './api.ts'
import { useResource } from './use-resource.ts'

/** What a command needs to be told to reach the server; empty if that is not known. */
export function useServerFlag(): string {
  const { value } = useResource(mayEverywhere('view') ? 'server' : undefined, (stop) =>
    get<ControlOperations['server show']['answer']>('server', {}, stop),
  )
  return value === undefined ? '' : serverFlag(value.addresses, location.hostname)
}
