import type { LiveFunction } from '@geartrain/protocol'

/** Its jobs that wait for a worker, of any priority. */
export function readyCount({ ready }: Pick<LiveFunction, 'ready'>): number {
  return ready.high + ready.normal + ready.low
}
