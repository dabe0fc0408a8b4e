import type { JSX } from 'preact'
import { Page } from '../../parts/page.tsx'

export function WorkersPage(): JSX.Element {
  return <Page title="Workers">{null}</Page>
}
