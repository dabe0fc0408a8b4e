import type { JobFilter, JobsChanged } from '@geartrain/protocol'
import type { ComponentChildren, JSX } from 'preact'
import { send } from '../api/api.ts'
import { confirm } from '../parts/confirm.tsx'
import { counted } from '../text/numbers.ts'
import { outcomeText } from './failure-groups.ts'

/**
 * Counts the dead jobs that a filter lets through, asks, and then retries or deletes them. Gives what is to be told;
 * undefined: it was not meant.
 */
export async function changeDead(
  action: 'retry' | 'delete',
  filter: JobFilter,
  which: ComponentChildren,
): Promise<string | undefined> {
  const { matched, isExact } = await change({ action, filter, dryRun: true })
  if (matched === 0) return 'There are none of them any more.'
  const many = `${isExact ? '' : 'at least '}${counted(matched, 'job')}`
  const isMeant = await confirm({
    title: `${action === 'retry' ? 'Retry' : 'Delete'} ${many}?`,
    body: <Consequences action={action} which={which} />,
    action: `${action === 'retry' ? 'Retry' : 'Delete'} ${many}`,
    isDestructive: action === 'delete',
  })
  return isMeant ? outcomeText(await change({ action, filter }), action) : undefined
}

async function change(body: object): Promise<JobsChanged> {
  return await send<JobsChanged>('POST', 'jobs/bulk', body)
}

function Consequences(props: { readonly action: 'retry' | 'delete'; readonly which: ComponentChildren }): JSX.Element {
  return (
    <>
      <p class="failure-which">{props.which}</p>
      <p>
        {props.action === 'retry'
          ? 'They get in line again, with all of their attempts.'
          : 'They are gone with their payloads and errors. This can not be taken back.'}
      </p>
    </>
  )
}
