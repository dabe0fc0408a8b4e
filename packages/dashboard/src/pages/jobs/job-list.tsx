import type { JSX } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { type Selection, Table } from '../../parts/table.tsx'
import { counted } from '../../text/numbers.ts'
import { jobColumns } from './job-columns.tsx'
import { inPlace, type JobPage, type ShownJob } from './job-page.ts'

interface JobListProps {
  /** What is asked for: of something else, other jobs are shown at once. */
  readonly of: string
  readonly page: JobPage
  readonly selection: Selection | undefined
  readonly empty: JSX.Element
}

/** The jobs of a page. While somebody points at them, has selected some or is among them by keys, they keep their places. */
export function JobList({ of, page, selection, empty }: JobListProps): JSX.Element {
  const [isPointed, setPointed] = useState(false)
  const frame = useRef<HTMLDivElement>(null)
  const [, setReleased] = useState(0)
  const shown = useRef<{ readonly of: string; readonly jobs: readonly ShownJob[] }>({ of: '', jobs: [] })
  const isFocused = frame.current?.contains(document.activeElement) === true
  const isHeld = isPointed || isFocused || (selection !== undefined && selection.keys.size > 0)
  const before = shown.current
  const isNone = page.jobs.length === 0 && !page.isLooking
  const { jobs, newCount } =
    isHeld && before.of === of && before.jobs.length > 0 && !isNone
      ? inPlace(before.jobs, page.jobs)
      : { jobs: page.jobs.map((job) => ({ job, isGone: false })), newCount: 0 }
  shown.current = { of, jobs }
  const release = () => {
    shown.current = { of: '', jobs: [] }
    selection?.onChange(new Set())
    setReleased((count) => count + 1)
  }
  return (
    <div ref={frame} class="jobs-list" onPointerEnter={() => setPointed(true)} onPointerLeave={() => setPointed(false)}>
      <Table
        caption="Jobs"
        columns={jobColumns}
        rows={jobs}
        rowKey={({ job }) => job.handle}
        empty={empty}
        {...(selection === undefined ? {} : { selection })}
      />
      <p class="jobs-list-news">
        {newCount === 0 ? null : (
          <button type="button" class="button" onClick={release}>
            The list has changed: show {counted(newCount, 'other job')}
          </button>
        )}
      </p>
    </div>
  )
}
