import type { JSX } from 'preact'
import { Page } from '../../parts/page.tsx'

export function ServersPage(): JSX.Element {
  return <Page title="Servers">{null}</Page>
}
