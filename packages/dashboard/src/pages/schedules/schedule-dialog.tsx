import type { ScheduleState } from '@geartrain/protocol'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { ApiError, get, path, send } from '../../api/api.ts'
import { Dialog, DialogFoot } from '../../parts/dialog.tsx'
import { toast } from '../../parts/toast.tsx'
import { ScheduleFields } from './schedule-fields.tsx'
import { definitionOf, emptyForm, type FormProblem, fieldOf, formOf, type ScheduleForm } from './schedule-form.ts'

/** Adds a schedule, or changes one. */
export function ScheduleDialog(props: {
  /** The one to change. */
  readonly schedule?: ScheduleState
  readonly onClose: () => void
  readonly onSaved: () => void
}): JSX.Element {
  const { schedule, onClose, onSaved } = props
  const [form, setForm] = useState<ScheduleForm>(() => (schedule === undefined ? emptyForm : formOf(schedule)))
  const [problem, setProblem] = useState<FormProblem>()
  const [isBusy, setBusy] = useState(false)

  const save = async (event: Event) => {
    event.preventDefault()
    setBusy(true)
    try {
      if (schedule === undefined) await refuseTaken(form.name)
      await send('PUT', path`schedules/${form.name}`, definitionOf(form))
      toast(schedule === undefined ? `${form.name} is added.` : `${form.name} is changed.`)
      onSaved()
      onClose()
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      setProblem({ field: fieldOf(message), message })
      setBusy(false)
    }
  }
  const change = (changed: Partial<ScheduleForm>) => {
    setForm((before) => ({ ...before, ...changed }))
    setProblem((before) => (before?.field !== undefined && before.field in changed ? undefined : before))
  }
  return (
    <Dialog title={schedule === undefined ? 'Add a schedule' : 'Change the schedule'} onClose={onClose} isWide>
      <form class="schedule-form" onSubmit={(event) => void save(event)}>
        <ScheduleFields form={form} isNew={schedule === undefined} problem={problem} onChange={change} />
        <p class="problem" role="alert">
          {problem?.field === undefined ? problem?.message : ''}
        </p>
        <DialogFoot onClose={onClose} action={schedule === undefined ? 'Add' : 'Save'} isDisabled={isBusy} />
      </form>
    </Dialog>
  )
}

/** Who adds one does not mean to put it in another's place. */
async function refuseTaken(name: string): Promise<void> {
  try {
    await get(path`schedules/${name}`, { runs: 0 })
  } catch (error) {
    if (error instanceof ApiError && error.code === 'NOT_FOUND') return
    throw error
  }
  throw new Error('name is taken: there is such a schedule already. Take another name, or change that schedule.')
}
