import type { JSX } from 'preact'
import { Page } from '../../parts/page.tsx'

export function FailuresPage(): JSX.Element {
  return <Page title="Failures">{null}</Page>
}
