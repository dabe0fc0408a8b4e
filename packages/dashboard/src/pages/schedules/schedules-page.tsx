import type { JSX } from 'preact'
import { Page } from '../../parts/page.tsx'

export function SchedulesPage(): JSX.Element {
  return <Page title="Schedules">{null}</Page>
}
