import type { JobEvent } from '@geartrain/client'
import { text } from './site.ts'

/** All that happens to a job. */
export async function collect(
  job: AsyncIterable<JobEvent>,
  onEvent: (event: JobEvent) => void = () => {},
): Promise<JobEvent[]> {
  const events: JobEvent[] = []
  for await (const event of job) {
    events.push(event)
    onEvent(event)
  }
  return events
}

/** Events as a test writes them, without `created`. */
export function shorten(events: readonly JobEvent[]): string[] {
  return events.flatMap((event) => {
    switch (event.type) {
      case 'created':
        return []
      case 'status':
        return [`status ${event.numerator}/${event.denominator}`]
      case 'fail':
        return ['fail']
      case 'data':
      case 'warning':
      case 'complete':
      case 'exception':
        return [`${event.type} ${text(event.data)}`]
    }
  })
}
