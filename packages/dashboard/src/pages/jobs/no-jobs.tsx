import type { JSX } from 'preact'
import { useServerFlag } from '../../api/use-server-flag.ts'
import { Empty } from '../../parts/notice.tsx'
import type { JobPage } from './job-page.ts'
import type { JobsAddress } from './use-jobs-address.ts'

/** In the place of the table. */
export function NoJobs({ page, address }: { readonly page: JobPage; readonly address: JobsAddress }): JSX.Element {
  const flag = useServerFlag()
  // The pager says the rest.
  if (page.next !== undefined) return <Empty title="No job has been found so far" />
  if (address.after !== undefined) return <Empty title="There are no more jobs" />
  if (address.text === '') {
    return (
      <Empty title="No job waits or runs" command={`geartrain do${flag} --background reverse hello`}>
        A job that waits:
      </Empty>
    )
  }
  return (
    <Empty title="No job is like that">
      <button type="button" class="button" onClick={() => address.setText('')}>
        Show all that have not ended
      </button>
    </Empty>
  )
}
