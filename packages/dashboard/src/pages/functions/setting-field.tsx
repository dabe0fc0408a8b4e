import type { JSX } from 'preact'
import { choicesOf, type Setting, type SettingKind } from './policy.ts'
import { helpId } from './policy-table.tsx'

/** The value of a setting, to be changed. `drafted`: undefined: it stays; null: what was set is taken back. */
export function SettingField(props: {
  readonly setting: Setting
  readonly kind: SettingKind | undefined
  readonly drafted: string | null | undefined
  readonly problem: string | undefined
  readonly onChange: (text: string) => void
}): JSX.Element {
  const { setting, kind, drafted, problem, onChange } = props
  const { key, value } = setting
  const choices = kind === undefined ? undefined : choicesOf(kind.range)
  const problemId = `problem-${key}`
  const shared = {
    'aria-label': key,
    'aria-describedby': `${helpId(key)} ${problemId}`,
    'aria-invalid': problem !== undefined,
    class: drafted === undefined ? 'mono' : 'mono is-changed',
    disabled: drafted === null,
    value: drafted ?? value,
  }
  return (
    <div class="setting-field">
      {choices === undefined ? (
        <input
          {...shared}
          type="text"
          autocomplete="off"
          onInput={({ currentTarget }) => onChange(currentTarget.value)}
        />
      ) : (
        <select {...shared} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
          {choices.map((choice) => (
            <option key={choice}>{choice}</option>
          ))}
        </select>
      )}
      <p id={problemId} class="setting-problem">
        {problem}
      </p>
    </div>
  )
}
