import type { JSX } from 'preact'
import { Link } from 'wouter-preact'
import { ApiError } from '../../api/api.ts'
import { pages } from '../../links.ts'
import { Empty, Failure } from '../../parts/notice.tsx'
import { Page } from '../../parts/page.tsx'

/** The server does not know it, or can not be asked. */
export function Gone({ handle, error }: { readonly handle: string; readonly error: Error }): JSX.Element {
  if (!(error instanceof ApiError) || error.status !== 404) {
    return (
      <Page title={`Job ${handle}`}>
        <Failure error={error} />
      </Page>
    )
  }
  return (
    <Page title={`Job ${handle}`}>
      <Empty title="This job is not known here" command="geartrain function set FUNCTION --keep-results 1h">
        <p>The server says: {error.message}.</p>
        <p>
          A job is known while it waits or runs, while it is dead, and while its result is kept. Most are gone as soon
          as they have ended. To look at them afterwards, let their function keep results:
        </p>
      </Empty>
    </Page>
  )
}

export function NoHandle(): JSX.Element {
  return (
    <Page title="Job">
      <Empty title="Which job?" command="geartrain job show HANDLE">
        <Link href={pages.jobs}>Choose one of those that there are</Link>
      </Empty>
    </Page>
  )
}
