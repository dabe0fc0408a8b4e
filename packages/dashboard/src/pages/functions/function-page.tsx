import type { JSX } from 'preact'
import { Page } from '../../parts/page.tsx'

export function FunctionPage(): JSX.Element {
  return <Page title="Function">{null}</Page>
}
