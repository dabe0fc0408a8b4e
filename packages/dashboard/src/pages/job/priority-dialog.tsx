import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { path, send } from '../../api/api.ts'
import { priorities } from '../../filter/filter-keys.ts'
import { act } from '../../parts/action-button.tsx'
import { Dialog, DialogFoot } from '../../parts/dialog.tsx'
import type { JobSnapshot } from './told.ts'

/** Puts a job at the end of another line. */
export function PriorityDialog(props: {
  readonly job: JobSnapshot
  readonly onClose: () => void
  readonly onChanged: () => void
}): JSX.Element {
  const { job, onClose, onChanged } = props
  const [priority, setPriority] = useState(job.priority)
  const save = async (event: Event) => {
    event.preventDefault()
    const isDone = await act(async () => {
      await send('POST', path`jobs/${job.handle}/priority`, { priority })
      return `Its priority is ${priority}.`
    })
    if (!isDone) return
    onChanged()
    onClose()
  }
  return (
    <Dialog title="Reprioritise this job" onClose={onClose}>
      <form class="job-form" onSubmit={(event) => void save(event)}>
        <p class="muted">It goes to the end of the line of that priority.</p>
        <fieldset class="choices">
          <legend>Priority</legend>
          {priorities.map((each) => (
            <label key={each} class="inline">
              <input
                type="radio"
                name="priority"
                value={each}
                checked={priority === each}
                onChange={() => setPriority(each)}
              />
              {each}
            </label>
          ))}
        </fieldset>
        <DialogFoot onClose={onClose} action="Reprioritise" isDisabled={priority === job.priority} />
      </form>
    </Dialog>
  )
}
