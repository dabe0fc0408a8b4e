import type { FunctionPolicy } from '@geartrain/protocol'
import { useEffect, useState } from 'preact/hooks'
import { ApiError, path, send } from '../../api/api.ts'
import { changesOf, type Draft, type Problems, problemsOf, type SettingChange } from './policy.ts'

/** Someone who types is not asked after. */
const restMs = 250

export interface Preview {
  /** What it is about: while the draft is another one, it is not known yet. */
  readonly draft: Draft
  /** What would be different; undefined: it is refused. */
  readonly changes?: readonly SettingChange[]
  readonly problems?: Problems
}

/** What the server says would come of a draft, when nobody has changed that for a moment. */
export function usePreview(policy: FunctionPolicy, draft: Draft): Preview {
  const [preview, setPreview] = useState<Preview>({ draft, changes: [] })
  useEffect(() => {
    let isOld = false
    const tell = (told: Omit<Preview, 'draft'>) => {
      if (!isOld) setPreview({ draft, ...told })
    }
    const ask = async () => {
      try {
        const after = await changePolicy(policy.name, draft, true)
        tell({ changes: changesOf(policy.settings, after.settings) })
      } catch (error) {
        tell({ problems: problemsIn(error, policy) })
      }
    }
    if (draft.size === 0) {
      tell({ changes: [] })
      return
    }
    const timer = setTimeout(() => void ask(), restMs)
    return () => {
      isOld = true
      clearTimeout(timer)
    }
  }, [policy, draft])
  return preview
}

/** All of the values, or none and an ApiError. Gives the policy as it is then, or would be. */
export function changePolicy(name: string, values: Draft, isDryRun: boolean): Promise<FunctionPolicy> {
  const query = isDryRun ? { 'dry-run': true } : {}
  return send<FunctionPolicy>('PATCH', path`functions/${name}`, { values: Object.fromEntries(values) }, query)
}

function problemsIn(error: unknown, { settings }: FunctionPolicy): Problems {
  const message = error instanceof Error ? error.message : String(error)
  const isOfValues = error instanceof ApiError && error.code === 'BAD_REQUEST'
  return isOfValues
    ? problemsOf(
        message,
        settings.map(({ key }) => key),
      )
    : { byKey: new Map(), others: [message] }
}
