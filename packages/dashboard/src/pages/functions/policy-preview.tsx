import type { JSX } from 'preact'
import { counted } from '../../text/numbers.ts'
import type { Draft, SettingChange } from './policy.ts'
import type { Preview } from './use-preview.ts'

/** What would be different, and the way to make it so. It stays in view while the form is scrolled. */
export function PolicyPreview(props: {
  readonly preview: Preview
  readonly draft: Draft
  readonly isBusy: boolean
  readonly onCancel: () => void
}): JSX.Element {
  const { preview, draft, isBusy, onCancel } = props
  const { changes, problems } = preview
  const isCurrent = preview.draft === draft
  return (
    <div class="policy-preview card">
      <div role="status" class="policy-changes">
        {draft.size === 0 ? (
          <p class="muted">Change a value to see what would come of it. Nothing is saved before that.</p>
        ) : null}
        {draft.size === 0 || changes === undefined ? null : <Changes changes={changes} />}
        {problems === undefined ? null : (
          <p class="setting-problem">
            {problems.others.length > 0
              ? problems.others.join(' ')
              : `${counted(problems.byKey.size, 'value')} ${problems.byKey.size === 1 ? 'is' : 'are'} refused: see there.`}
          </p>
        )}
      </div>
      <div class="section-actions">
        <button type="button" class="button" onClick={onCancel}>
          Leave it
        </button>
        <button
          type="submit"
          class="button primary"
          disabled={isBusy || !isCurrent || draft.size === 0 || changes === undefined}
        >
          Save
        </button>
      </div>
    </div>
  )
}

function Changes({ changes }: { readonly changes: readonly SettingChange[] }): JSX.Element {
  if (changes.length === 0) return <p class="muted">Nothing would be different.</p>
  return (
    <ul aria-label="What changes">
      {changes.map(({ key, from, to, source }) => (
        <li key={key}>
          <code>{key}</code>: <del class="mono">{from === '' ? 'empty' : from}</del> →{' '}
          <ins class="mono">{to === '' ? 'empty' : to}</ins> <span class="muted">({source})</span>
        </li>
      ))}
    </ul>
  )
}
