import type { FunctionPolicy } from '@geartrain/protocol'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { act } from '../../parts/action-button.tsx'
import { toast } from '../../parts/toast.tsx'
import { counted } from '../../text/numbers.ts'
import { type Draft, drafted, isSetHere, type SettingKind } from './policy.ts'
import { PolicyPreview } from './policy-preview.tsx'
import { SettingsTable } from './policy-table.tsx'
import { SettingField } from './setting-field.tsx'
import { changePolicy, usePreview } from './use-preview.ts'

const nothing: Draft = new Map()

/** Every setting, to be changed; what would come of it is shown before it is saved. */
export function PolicyForm(props: {
  readonly policy: FunctionPolicy
  readonly kinds: readonly SettingKind[]
  readonly onEnd: () => void
}): JSX.Element {
  const { policy, kinds, onEnd } = props
  const { name, settings } = policy
  const [draft, setDraft] = useState(nothing)
  const [isBusy, setBusy] = useState(false)
  const preview = usePreview(policy, draft)
  const save = async () => {
    setBusy(true)
    const isSaved = await act(async () => {
      await changePolicy(name, draft, false)
      return undefined
    })
    setBusy(false)
    if (!isSaved) return
    toast(`Saved ${counted(draft.size, 'setting')} of ${name}.`)
    onEnd()
  }
  return (
    <form
      class="policy-form"
      aria-label={`Policy of ${name}`}
      onSubmit={(event) => {
        event.preventDefault()
        void save()
      }}
    >
      <SettingsTable settings={settings} kinds={kinds} withRanges>
        {(setting, kind) => (
          <>
            <td>
              <SettingField
                setting={setting}
                kind={kind}
                drafted={draft.get(setting.key)}
                problem={preview.problems?.byKey.get(setting.key)}
                onChange={(text) => setDraft(drafted(draft, setting, text))}
              />
            </td>
            <td>
              {setting.source}
              {isSetHere(setting, name) ? (
                <SetBack
                  settingKey={setting.key}
                  isSetBack={draft.get(setting.key) === null}
                  onChange={(isSetBack) => setDraft(drafted(draft, setting, isSetBack ? null : setting.value))}
                />
              ) : null}
            </td>
          </>
        )}
      </SettingsTable>
      <PolicyPreview preview={preview} draft={draft} isBusy={isBusy} onCancel={onEnd} />
    </form>
  )
}

function SetBack(props: {
  readonly settingKey: string
  readonly isSetBack: boolean
  readonly onChange: (isSetBack: boolean) => void
}): JSX.Element {
  const { settingKey, isSetBack, onChange } = props
  return (
    <button
      type="button"
      class="button set-back"
      aria-pressed={isSetBack}
      aria-label={`Set back ${settingKey}`}
      onClick={() => onChange(!isSetBack)}
    >
      Set back
    </button>
  )
}
