import type { ComponentChildren, JSX } from 'preact'
import { Empty } from '../../parts/notice.tsx'
import { choicesOf, inGroups, type Setting, type SettingKind } from './policy.ts'

export function PolicyTable(props: {
  readonly settings: readonly Setting[]
  readonly kinds: readonly SettingKind[]
  readonly isSetOnly: boolean
}): JSX.Element {
  const { settings, kinds, isSetOnly } = props
  const shown = isSetOnly ? settings.filter(({ isDefault }) => !isDefault) : settings
  if (shown.length === 0) return <Empty title="Nothing is set: all settings are the defaults" />
  return (
    <SettingsTable settings={shown} kinds={kinds}>
      {(setting, kind) => (
        <>
          <td class={setting.isDefault ? 'mono muted' : 'mono setting-set'}>
            {setting.value === '' ? <span class="muted">empty</span> : setting.value}
          </td>
          <td class={setting.isDefault ? 'muted' : ''}>
            {setting.source}
            {setting.isDefault || kind === undefined || kind.default === '' ? null : (
              <span class="muted"> (default: {kind.default})</span>
            )}
          </td>
        </>
      )}
    </SettingsTable>
  )
}

/** `children` gives the cells of value and source. `withRanges`: what values can be is told as well. */
export function SettingsTable(props: {
  readonly settings: readonly Setting[]
  readonly kinds: readonly SettingKind[]
  readonly withRanges?: boolean
  readonly children: (setting: Setting, kind: SettingKind | undefined) => ComponentChildren
}): JSX.Element {
  const { settings, kinds, withRanges, children } = props
  const kindOf = new Map(kinds.map((kind) => [kind.key, kind]))
  return (
    // On a phone it is scrolled sideways, also by keys.
    <div class="table-frame" tabIndex={0} role="group" aria-label="Settings">
      <table class="table settings">
        <caption class="visually-hidden">Settings of the policy</caption>
        <thead>
          <tr>
            <th>Setting</th>
            <th>Value</th>
            <th>Where it comes from</th>
            <th class="wide-only">What it is</th>
          </tr>
        </thead>
        {inGroups(settings).map((group) => (
          <tbody key={group.title}>
            <tr class="group-head">
              <th colSpan={4} scope="rowgroup">
                <div>{group.title}</div>
              </th>
            </tr>
            {group.settings.map((setting) => (
              <tr key={setting.key}>
                <td>
                  <code>{setting.key}</code>
                </td>
                {children(setting, kindOf.get(setting.key))}
                <td class="muted setting-help wide-only" id={helpId(setting.key)}>
                  {kindOf.get(setting.key)?.help}
                  {withRanges === true ? <RangeOf kind={kindOf.get(setting.key)} /> : null}
                </td>
              </tr>
            ))}
          </tbody>
        ))}
      </table>
    </div>
  )
}

function RangeOf({ kind }: { readonly kind: SettingKind | undefined }): JSX.Element | null {
  return kind === undefined || choicesOf(kind.range) !== undefined ? null : <p>It is {kind.range}.</p>
}

export function helpId(key: string): string {
  return `help-${key}`
}
