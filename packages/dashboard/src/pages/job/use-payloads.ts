import { useRef } from 'preact/hooks'
import { apiUrl, type Beginning, getBytes, path } from '../../api/api.ts'
import { type Resource, useResource } from '../../api/use-resource.ts'
import { payloadBytes } from '../../payload/bytes.ts'
import { bytes as sizeText } from '../../text/numbers.ts'
import { isEnded, type Told } from './told.ts'

/** What can be shown of a payload or a result. */
export type Source =
  | { readonly kind: 'bytes'; readonly known: Beginning; readonly download?: string }
  /** Why there is nothing to show. */
  | { readonly kind: 'none'; readonly why: string }
  | { readonly kind: 'loading' }

/** More than this is not shown, and not fetched either. */
export const fetchedBytesMax = 1024 * 1024

const noResult = 'Its worker has sent none, or it is not kept.'

const hidden: Source = {
  kind: 'none',
  why: 'The policy of its function hides payloads and results (hide-payloads). Workers and those who wait get them.',
}

/** `turn`: it may be another one than before. */
export function useWorkload({ job, isGone }: Told, turn: number): Source {
  const to = path`jobs/${job.handle}/workload`
  // It stays on the page when the job has ended.
  const isWanted = useRef(false)
  isWanted.current ||= job.hidden !== true && (job.state === 'dead' || !isEnded(job))
  const resource = useResource(isWanted.current ? `${turn} ${to}` : undefined, (signal) =>
    getBytes(to, fetchedBytesMax, signal),
  )
  if (job.hidden === true) return hidden
  if (!isWanted.current) return { kind: 'none', why: 'It is not kept: the job has ended.' }
  return sourceOf(resource, isGone === true || (isEnded(job) && job.state !== 'dead') ? undefined : apiUrl(to))
}

/** Undefined: there is none yet, and of a job that has failed there is none. */
export function useResult({ job, isGone }: Told): Source | undefined {
  const { result, state } = job
  const to = path`jobs/${job.handle}/result`
  // Of failures the API gives no bytes.
  const isThere = state === 'complete' && isGone !== true && job.keepUntil !== undefined
  const isLong = result !== undefined && 'bytes' in result
  const resource = useResource(isLong && isThere ? to : undefined, (signal) => getBytes(to, fetchedBytesMax, signal))
  if (!isEnded(job)) return undefined
  if (job.hidden === true) return hidden
  if (result === undefined)
    return state === 'complete' ? { kind: 'none', why: isThere ? 'It is empty.' : noResult } : undefined
  if (!('bytes' in result)) {
    const bytes = payloadBytes(result)
    const download = isThere ? { download: apiUrl(to) } : {}
    return { kind: 'bytes', known: { bytes, isWhole: true, size: bytes.length }, ...download }
  }
  if (isThere) return sourceOf(resource, apiUrl(to))
  return { kind: 'none', why: `It has ${sizeText(result.bytes)}: too long to be shown here, and it is not kept.` }
}

function sourceOf({ value, error }: Resource<Beginning>, download: string | undefined): Source {
  if (value !== undefined) return { kind: 'bytes', known: value, ...(download === undefined ? {} : { download }) }
  return error === undefined ? { kind: 'loading' } : { kind: 'none', why: sentence(error.message) }
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.?$/, '.')}`
}
