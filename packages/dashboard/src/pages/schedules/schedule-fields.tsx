import type { JSX } from 'preact'
import { useId, useMemo } from 'preact/hooks'
import { live } from '../../live/live.ts'
import { bytes } from '../../text/numbers.ts'
import { Field } from './field.tsx'
import {
  base64Bytes,
  type ChangeForm,
  type FormField,
  type FormProblem,
  fieldOf,
  type ScheduleForm,
  timingOf,
} from './schedule-form.ts'
import { TimingFields } from './timing-fields.tsx'
import { usePreview } from './use-preview.ts'

const suggestionsMax = 1000

export function ScheduleFields(props: {
  readonly form: ScheduleForm
  /** Its name can be chosen. */
  readonly isNew: boolean
  readonly problem: FormProblem | undefined
  readonly onChange: ChangeForm
}): JSX.Element {
  const { form, isNew, problem, onChange } = props
  const functionsId = useId()
  // Those that were there when the form was opened: a list that changes each second can't be chosen from.
  const functions = useMemo(() => [...live.functions.peek().keys()].sort().slice(0, suggestionsMax), [])
  const preview = usePreview(form[form.kind].trim() === '' ? undefined : timingOf(form))
  const previewField = preview.problem === undefined ? undefined : (fieldOf(preview.problem) ?? form.kind)
  const problemOf = (field: FormField) =>
    problem?.field === field ? problem.message : previewField === field ? preview.problem : undefined
  return (
    <>
      <div class="schedule-pair">
        <Field label="Name" problem={problemOf('name')}>
          {(described) => (
            <input
              {...described}
              required
              readOnly={!isNew}
              value={form.name}
              onInput={({ currentTarget }) => onChange({ name: currentTarget.value })}
            />
          )}
        </Field>
        <Field label="Function" problem={problemOf('function')}>
          {(described) => (
            <input
              {...described}
              required
              list={functionsId}
              value={form.function}
              onInput={({ currentTarget }) => onChange({ function: currentTarget.value })}
            />
          )}
        </Field>
      </div>
      <datalist id={functionsId}>
        {functions.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <TimingFields form={form} problemOf={problemOf} next={preview.next} onChange={onChange} />
      <Workload form={form} problem={problemOf('workload')} onChange={onChange} />
      <div class="schedule-pair">
        <Field label="Times that are missed" problem={problemOf('missed')}>
          {(described) => (
            <select
              {...described}
              value={form.missed}
              onChange={({ currentTarget: { value } }) => {
                if (value === 'skip' || value === 'once' || value === 'all') onChange({ missed: value })
              }}
            >
              <option value="skip">are skipped</option>
              <option value="once">get one job for all of them</option>
              <option value="all">get a job each</option>
            </select>
          )}
        </Field>
        <Field label="Priority" problem={problemOf('priority')}>
          {(described) => (
            <select
              {...described}
              value={form.priority}
              onChange={({ currentTarget: { value } }) => {
                if (value === 'high' || value === 'normal' || value === 'low') onChange({ priority: value })
              }}
            >
              <option value="high">high</option>
              <option value="normal">normal</option>
              <option value="low">low</option>
            </select>
          )}
        </Field>
        <Field label="Unique" hint="empty: each job has one of its own" problem={problemOf('unique')}>
          {(described) => (
            <input
              {...described}
              value={form.unique}
              onInput={({ currentTarget }) => onChange({ unique: currentTarget.value })}
            />
          )}
        </Field>
        <Field label="Then" hint="the function that results are sent on to" problem={problemOf('then')}>
          {(described) => (
            <input
              {...described}
              list={functionsId}
              value={form.then}
              onInput={({ currentTarget }) => onChange({ then: currentTarget.value })}
            />
          )}
        </Field>
        <label class="inline">
          <input
            type="checkbox"
            checked={form.overlap}
            onChange={({ currentTarget }) => onChange({ overlap: currentTarget.checked })}
          />
          Also while the last job has not ended
        </label>
        <label class="inline">
          <input
            type="checkbox"
            checked={form.paused}
            onChange={({ currentTarget }) => onChange({ paused: currentTarget.checked })}
          />
          Paused
        </label>
      </div>
    </>
  )
}

function Workload(props: {
  readonly form: ScheduleForm
  readonly problem: string | undefined
  readonly onChange: ChangeForm
}): JSX.Element {
  const { form, problem, onChange } = props
  if (form.base64 !== undefined) {
    return (
      <p>
        The workload is {bytes(base64Bytes(form.base64))} that are no text, and stays as it is.{' '}
        <button type="button" class="button" onClick={() => onChange({ base64: undefined })}>
          Write another one
        </button>
      </p>
    )
  }
  return (
    <Field label="Workload" problem={problem}>
      {(described) => (
        <textarea
          {...described}
          class="mono"
          rows={3}
          spellcheck={false}
          value={form.workload}
          onInput={({ currentTarget }) => onChange({ workload: currentTarget.value })}
        />
      )}
    </Field>
  )
}
