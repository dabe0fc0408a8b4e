import type { JSX } from 'preact'
import { Link } from 'wouter-preact'
import { functionLink } from '../../links.ts'

/** Text of someone else's server. Of this server there is a page of the function. */
export function FunctionName({ name, isThis }: { readonly name: string; readonly isThis: boolean }): JSX.Element {
  if (name === '') return <span class="muted">(empty name)</span>
  if (!isThis) {
    return (
      <span class="fleet-name" title={name}>
        {name}
      </span>
    )
  }
  return (
    <Link href={functionLink(name)} class="fleet-name" title={name}>
      {name}
    </Link>
  )
}
