import type { JSX } from 'preact'
import { Page } from '../../parts/page.tsx'

export function JobsPage(): JSX.Element {
  return <Page title="Jobs">{null}</Page>
}
