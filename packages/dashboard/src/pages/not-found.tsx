import type { JSX } from 'preact'
import { Link } from 'wouter-preact'
import { pages } from '../links.ts'
import { Empty } from '../parts/notice.tsx'
import { Page } from '../parts/page.tsx'

export function NotFoundPage(): JSX.Element {
  return (
    <Page title="Not found">
      <Empty title="There is no page here">
        <Link href={pages.overview}>To the overview</Link>
      </Empty>
    </Page>
  )
}
