import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { path, send } from '../../api/api.ts'
import { ActionButton } from '../../parts/action-button.tsx'
import { confirm, type Question } from '../../parts/confirm.tsx'
import { may, mayEverywhere } from '../../session/session.ts'
import { PriorityDialog } from './priority-dialog.tsx'
import { ResubmitDialog } from './resubmit-dialog.tsx'
import { isEnded, type JobSnapshot, type Told } from './told.ts'
import type { Source } from './use-payloads.ts'

/** One that needs no more than to be confirmed. */
interface JobAction {
  readonly title: string
  readonly isFor: (job: JobSnapshot) => boolean
  readonly question?: (job: JobSnapshot) => Question
  readonly run: (job: JobSnapshot) => Promise<unknown>
  /** What is told when it is done. */
  readonly done: string
}

const waits = ({ state }: JobSnapshot) => state === 'ready' || state === 'delayed'

const actions: readonly JobAction[] = [
  {
    title: 'Run now',
    isFor: ({ state }) => state === 'delayed',
    run: ({ handle }) => send('POST', path`jobs/${handle}/run`),
    done: 'It is ready for a worker.',
  },
  {
    title: 'Retry',
    isFor: ({ state }) => state === 'dead',
    run: ({ handle }) => send('POST', path`jobs/${handle}/retry`, new Uint8Array()),
    done: 'It is in line again, with all of its attempts.',
  },
  {
    title: 'Cancel',
    isFor: (job) => !isEnded(job),
    question: (job) => ({
      title: 'Cancel this job?',
      body: `1 job of ${job.function} ends without a result, and is gone. ${whatCancels(job)}`,
      action: 'Cancel the job',
      isDestructive: true,
    }),
    run: ({ handle }) => send('POST', path`jobs/${handle}/cancel`),
    done: 'It is cancelled.',
  },
  {
    title: 'Delete',
    isFor: isEnded,
    question: (job) => ({
      title: 'Delete this job?',
      body:
        job.state === 'dead'
          ? `1 dead job of ${job.function} goes for good, with its payload and its errors.`
          : `What is kept of 1 job of ${job.function} goes for good, its result included.`,
      action: 'Delete the job',
      isDestructive: true,
    }),
    run: ({ handle }) => send('DELETE', path`jobs/${handle}`),
    done: 'It is deleted.',
  },
]

/** What can be done with a job as it is now, by whoever looks at it. `onChanged`: it may be another one now. */
export function JobActions(props: {
  readonly told: Told
  readonly workload: Source
  readonly onChanged: () => void
}): JSX.Element {
  const { told, workload, onChanged } = props
  const { job } = told
  const [open, setOpen] = useState<'priority' | 'resubmit'>()
  const isOperator = may('operate', job.function)
  // Of one that is gone, what is known is enough for another one.
  const isThere = told.isGone !== true
  const close = () => setOpen(undefined)
  return (
    <>
      {may('submit', job.function) || isOperator ? (
        <button type="button" class="button" onClick={() => setOpen('resubmit')}>
          Resubmit edited …
        </button>
      ) : null}
      {isOperator && isThere && waits(job) ? (
        <button type="button" class="button" onClick={() => setOpen('priority')}>
          Reprioritise …
        </button>
      ) : null}
      {isThere ? <Disconnect job={job} /> : null}
      {isOperator && isThere
        ? actions
            .filter(({ isFor }) => isFor(job))
            .map(({ title, question, run, done }) => (
              <ActionButton
                key={title}
                run={async () => {
                  if (question !== undefined && !(await confirm(question(job)))) return undefined
                  await run(job)
                  onChanged()
                  return done
                }}
              >
                {title}
              </ActionButton>
            ))
        : null}
      {open === 'priority' ? <PriorityDialog job={job} onClose={close} onChanged={onChanged} /> : null}
      {open === 'resubmit' ? (
        <ResubmitDialog told={told} workload={workload} onClose={close} onChanged={onChanged} />
      ) : null}
    </>
  )
}

/** Of the worker that has it: a job that is stuck goes to another one then. */
function Disconnect({ job }: { readonly job: JobSnapshot }): JSX.Element | null {
  const { state, connection, worker = '' } = job
  if (state !== 'running' || connection === undefined || !mayEverywhere('admin')) return null
  const run = async () => {
    const isSure = await confirm({
      title: 'Disconnect its worker?',
      body: `The connection of ${worker} is ended. This attempt counts as lost, and so do those of all other jobs that it has: other workers get them, as far as their policies let them have another attempt. Nothing keeps the worker from connecting again.`,
      action: 'Disconnect 1 worker',
      isDestructive: true,
    })
    if (!isSure) return undefined
    await send('DELETE', path`connections/${connection}`)
    return 'Its worker is disconnected.'
  }
  return <ActionButton run={run}>Disconnect worker</ActionButton>
}

function whatCancels({ state, waiting }: JobSnapshot): string {
  const worker = state === 'running' ? 'Its worker is told, if it asked for that; else it works on in vain. ' : ''
  return `${worker}${waiting > 0 ? 'Whoever waits for it sees it fail.' : ''}`.trim()
}
