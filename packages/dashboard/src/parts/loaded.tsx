import type { ComponentChildren, JSX } from 'preact'
import type { Resource } from '../api/use-resource.ts'
import { Failure, Loading } from './notice.tsx'

/** What has been loaded; until then that it is on its way, or why it is not there. */
export function Loaded<Value>(props: {
  readonly from: Resource<Value>
  readonly children: (value: Value) => ComponentChildren
}): JSX.Element {
  const { value, error, reload } = props.from
  if (value !== undefined) return <>{props.children(value)}</>
  return error === undefined ? <Loading /> : <Failure error={error} onRetry={reload} />
}
