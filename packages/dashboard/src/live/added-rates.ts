import type { LiveFlow } from '@geartrain/protocol'
import { sum } from '../rows.ts'

/** How fast it goes in some functions together. */
export function addedRates(flows: readonly Pick<LiveFlow, 'rates'>[]): LiveFlow['rates'] {
  const added = (name: keyof LiveFlow['rates']) =>
    [sum(flows, ({ rates }) => rates[name][0]), sum(flows, ({ rates }) => rates[name][1])] as const
  return { submitted: added('submitted'), done: added('done'), failed: added('failed'), retried: added('retried') }
}
