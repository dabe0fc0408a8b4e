import type { ComponentChildren, JSX } from 'preact'
import { ApiError } from '../api/api.ts'
import type { Resource } from '../api/use-resource.ts'
import { Failure, Loading } from './notice.tsx'

/** What has been loaded; until then that it is on its way, or why it is not there. */
export function Loaded<Value>(props: {
  readonly from: Resource<Value>
  readonly children: (value: Value) => ComponentChildren
}): JSX.Element {
  const { value, error, reload } = props.from
  const failure = error === undefined ? null : <Failure error={error} onRetry={reload} />
  if (value === undefined) return failure ?? <Loading />
  // That the server does not answer is said for the whole page.
  const isSaid = error instanceof ApiError && error.code === 'UNREACHABLE'
  return (
    <>
      {isSaid ? null : failure}
      {props.children(value)}
    </>
  )
}
