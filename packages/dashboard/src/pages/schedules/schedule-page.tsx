import type { JSX } from 'preact'
import { Page } from '../../parts/page.tsx'

export function SchedulePage(): JSX.Element {
  return <Page title="Schedule">{null}</Page>
}
