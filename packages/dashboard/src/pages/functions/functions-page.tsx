import type { JSX } from 'preact'
import { Page } from '../../parts/page.tsx'

export function FunctionsPage(): JSX.Element {
  return <Page title="Functions">{null}</Page>
}
