import type { JobSummary } from '@geartrain/protocol'
import { useState } from 'preact/hooks'
import type { Selection } from '../../parts/table.tsx'
import type { JobPage } from './job-page.ts'

export interface JobSelection {
  /** Also those that have moved on since they were selected. */
  readonly jobs: readonly JobSummary[]
  readonly table: Selection
  readonly clear: () => void
}

/** Jobs of a page that are selected; `of` says what is asked for. On another page none is. */
export function useSelection(of: string, page: JobPage | undefined): JobSelection {
  const none: ReadonlyMap<string, JobSummary> = new Map()
  const [selection, setSelection] = useState({ of, jobs: none })
  const chosen = selection.of === of ? selection.jobs : none
  const found = new Map(page?.jobs.map((job) => [job.handle, job]))
  const jobs = new Map(Array.from(chosen, ([handle, job]) => [handle, found.get(handle) ?? job]))
  const choose = (handles: ReadonlySet<string>) => {
    const known = new Map([...jobs, ...found])
    setSelection({ of, jobs: new Map([...known].filter(([handle]) => handles.has(handle))) })
  }
  return {
    jobs: [...jobs.values()],
    table: { keys: new Set(jobs.keys()), onChange: choose },
    clear: () => setSelection({ of, jobs: none }),
  }
}
