import type { JobSnapshot } from '@geartrain/dashboard/pages/job/told'
import type { LiveFunction } from '@geartrain/protocol'

// What the server tells, for tests that change a little of it.

export const noRates: LiveFunction['rates'] = {
  submitted: [0, 0],
  done: [0, 0],
  failed: [0, 0],
  retried: [0, 0],
}

/** A function in which nothing goes on. */
export function idleFunction(name: string, more: Partial<LiveFunction> = {}): LiveFunction {
  return {
    name,
    ready: { high: 0, normal: 0, low: 0 },
    delayed: 0,
    running: 0,
    dead: 0,
    workers: 0,
    paused: false,
    draining: false,
    totals: {
      submitted: 0,
      joined: 0,
      done: 0,
      failed: 0,
      retried: 0,
      died: 0,
      expired: 0,
      cancelled: 0,
      abandoned: 0,
    },
    rates: noRates,
    ...more,
  }
}

/** A job that waits for a worker. */
export const waitingJob: JobSnapshot = {
  handle: 'H:a:1',
  function: 'mail',
  unique: '',
  priority: 'normal',
  state: 'ready',
  attempts: 0,
  background: true,
  failures: [],
  waiting: 0,
}
