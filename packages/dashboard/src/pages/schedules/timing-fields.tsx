import type { JSX } from 'preact'
import { useId, useMemo } from 'preact/hooks'
import { exact } from '../../text/times.ts'
import { Field } from './field.tsx'
import { type ChangeForm, type FormField, type ScheduleForm, type TimingKind, timingKinds } from './schedule-form.ts'
import { TimeList } from './time-list.tsx'

const kinds: Readonly<
  Record<
    TimingKind,
    { readonly choice: string; readonly label: string; readonly placeholder: string; readonly hint: string }
  >
> = {
  cron: {
    choice: 'By cron',
    label: 'Cron',
    placeholder: '0 3 * * *',
    hint: 'minute, hour, day, month, weekday',
  },
  every: { choice: 'Every so often', label: 'Every', placeholder: '15m', hint: 'from 1s to 366d' },
  at: {
    choice: 'Once',
    label: 'At',
    placeholder: '2027-01-31 03:00',
    hint: 'in the time zone, or with Z or an offset',
  },
}

/** When it comes, and the next times as one types. */
export function TimingFields(props: {
  readonly form: ScheduleForm
  readonly problemOf: (field: FormField) => string | undefined
  readonly next: readonly number[] | undefined
  readonly onChange: ChangeForm
}): JSX.Element {
  const { form, problemOf, next, onChange } = props
  const zonesId = useId()
  const zones = useMemo(timezones, [])
  const { label, placeholder, hint } = kinds[form.kind]
  return (
    <fieldset class="schedule-timing">
      <legend>When</legend>
      <div class="schedule-kinds">
        {timingKinds.map((kind) => (
          <label key={kind} class="inline">
            <input type="radio" name="timing" checked={form.kind === kind} onChange={() => onChange({ kind })} />
            {kinds[kind].choice}
          </label>
        ))}
      </div>
      <div class="schedule-pair">
        <div>
          <Field label={label} hint={hint} problem={problemOf(form.kind)}>
            {(described) => (
              <input
                {...described}
                class="mono"
                required
                placeholder={placeholder}
                spellcheck={false}
                autocomplete="off"
                value={form[form.kind]}
                onInput={({ currentTarget }) => onChange({ [form.kind]: currentTarget.value })}
              />
            )}
          </Field>
          <Field
            label="Time zone"
            hint={form.kind === 'every' ? 'does not matter here' : 'in which it is meant'}
            problem={problemOf('timezone')}
          >
            {(described) => (
              <input
                {...described}
                list={zonesId}
                value={form.timezone}
                onInput={({ currentTarget }) => onChange({ timezone: currentTarget.value })}
              />
            )}
          </Field>
          <datalist id={zonesId}>
            {zones.map((zone) => (
              <option key={zone} value={zone} />
            ))}
          </datalist>
        </div>
        <NextTimes next={next} />
      </div>
    </fieldset>
  )
}

/** Room for five of them is kept. */
function NextTimes({ next }: { readonly next: readonly number[] | undefined }): JSX.Element {
  return (
    <div class="schedule-next">
      {/* The times until then, which change each second, are not to be read aloud again and again. */}
      <p class="visually-hidden" role="status">
        {next?.[0] === undefined ? '' : `Next: ${exact(next[0])}`}
      </p>
      <p class="schedule-next-title">Next times, in your time zone</p>
      {next === undefined ? <p class="muted">They are shown here.</p> : null}
      {next?.length === 0 ? <p class="schedule-problem">It never comes: this has passed.</p> : null}
      {next === undefined || next.length === 0 ? null : <TimeList times={next} />}
    </div>
  )
}

/** One's own first. */
function timezones(): readonly string[] {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions()
  return [...new Set(['UTC', timeZone, ...Intl.supportedValuesOf('timeZone')])]
}
