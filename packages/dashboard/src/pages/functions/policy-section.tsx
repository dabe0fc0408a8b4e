import type { FunctionPolicy } from '@geartrain/protocol'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { get } from '../../api/api.ts'
import { type Resource, useResource } from '../../api/use-resource.ts'
import { functionLink } from '../../links.ts'
import { Loaded } from '../../parts/loaded.tsx'
import { Section } from '../../parts/page.tsx'
import { useQuery } from '../../parts/use-query.ts'
import { may } from '../../session/session.ts'
import { isPattern, patternFor } from './function-rows.ts'
import { type KnownPolicies, patternsFor } from './policy.ts'
import { PolicyForm } from './policy-form.tsx'
import { PolicyTable } from './policy-table.tsx'

/** How the jobs of a function, or of all that a pattern fits, are treated: every setting, and where it comes from. */
export function PolicySection(props: {
  readonly name: string
  readonly policy: Resource<FunctionPolicy>
}): JSX.Element {
  const { name, policy } = props
  const known = useResource('policies', (stop) => get<KnownPolicies>('policies', {}, stop), {
    isChangedBy: ({ kind }) => kind === 'policy',
  })
  const [isEditing, setEditing] = useState(false)
  const [shown, show] = useQuery('settings')
  const kinds = known.value?.settings ?? []
  return (
    <Section
      title="Policy"
      actions={
        isEditing || policy.value === undefined ? null : (
          <div class="section-actions">
            <label class="inline">
              <input
                type="checkbox"
                checked={shown === 'set'}
                onChange={({ currentTarget }) => show(currentTarget.checked ? 'set' : '')}
              />
              Only what is set
            </label>
            {may('admin', name) ? (
              <button type="button" class="button" onClick={() => setEditing(true)}>
                Edit
              </button>
            ) : null}
          </div>
        )
      }
    >
      <Patterns name={name} known={known.value} />
      <Loaded from={policy}>
        {(value) =>
          isEditing ? (
            <PolicyForm
              policy={value}
              kinds={kinds}
              onEnd={() => {
                setEditing(false)
                policy.reload()
              }}
            />
          ) : (
            <PolicyTable settings={value.settings} kinds={kinds} isSetOnly={shown === 'set'} />
          )
        }
      </Loaded>
    </Section>
  )
}

/** Where else its settings may come from, or be set for more than this one. */
function Patterns({ name, known }: { readonly name: string; readonly known: KnownPolicies | undefined }): JSX.Element {
  const set = new Set(known?.policies.map((each) => each.name))
  const patterns = patternsFor(name, known, isPattern(name) ? undefined : patternFor(name))
  return (
    <p class="muted policy-patterns">
      {isPattern(name)
        ? 'These hold for all functions that the pattern fits, unless something is set for a function itself or for a longer pattern.'
        : 'These hold for this function alone.'}
      {patterns.length === 0 ? null : ' For all that fit, see '}
      {patterns.map((pattern, index) => (
        <span key={pattern}>
          {index === 0 ? '' : ', '}
          <Link href={functionLink(pattern)} class="mono">
            {pattern}
          </Link>
          {set.has(pattern) ? ' (something is set)' : ''}
        </span>
      ))}
      {patterns.length === 0 ? null : '.'}
    </p>
  )
}
