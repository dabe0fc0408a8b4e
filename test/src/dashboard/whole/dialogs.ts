import type { Locator, Page } from 'playwright-core'
import { type Handles, plainWords } from './places.ts'

export interface Opened {
  readonly name: string
  readonly path: string
  readonly button: (page: Page) => Locator
}

/** What opens over a page, and by which button. */
export function dialogsOf({ dead, ready }: Handles): readonly Opened[] {
  const functionPage = `function?name=${plainWords.function}`
  return [
    row('keys', 'jobs', 'Keys'),
    row('a question', functionPage, 'Purge'),
    row('submit a job', functionPage, 'Submit a job'),
    row('add a schedule', 'schedules', 'Add a schedule'),
    row('change a schedule', `schedule?name=${plainWords.schedule}`, 'Change'),
    row('remove a schedule', 'schedules', 'Remove'),
    row('resubmit a job', `job?handle=${dead}`, /^Resubmit/),
    row('reprioritise a job', `job?handle=${ready}`, /^Reprioritise/),
    row('delete a job', `job?handle=${dead}`, 'Delete'),
    row('reprioritise jobs', 'jobs?q=state:ready', /^Reprioritise/),
    row('cancel jobs', 'jobs?q=state:ready', /^Cancel/),
    row('retry dead jobs', 'failures', 'Retry all'),
    row('disconnect a worker', 'workers', /^Disconnect/),
  ]
}

function row(name: string, path: string, button: string | RegExp): Opened {
  return { name, path, button: (page) => page.getByRole('button', { name: button }).first() }
}
