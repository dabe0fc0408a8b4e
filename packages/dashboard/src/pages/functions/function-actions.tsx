import type { FunctionPolicy, JobCount, JobStateName } from '@geartrain/protocol'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { get, path, send } from '../../api/api.ts'
import { ActionButton } from '../../parts/action-button.tsx'
import { confirm } from '../../parts/confirm.tsx'
import { may } from '../../session/session.ts'
import { count, counted } from '../../text/numbers.ts'
import { type FunctionRow, isPattern } from './function-rows.ts'
import { SubmitDialog } from './submit-dialog.tsx'

type Word = 'pause' | 'resume' | 'drain' | 'undrain'

/** What can be done with a function, or with all that a pattern fits, by those who may. */
export function FunctionActions(props: {
  readonly name: string
  readonly row: FunctionRow | undefined
  readonly policy: FunctionPolicy | undefined
  readonly onChanged: () => void
}): JSX.Element {
  const { name, row, policy, onChanged } = props
  const [isSubmitting, setSubmitting] = useState(false)
  const isOn = (key: 'paused' | 'draining') =>
    row !== undefined && row.members === undefined
      ? row[key]
      : policy?.settings.some((each) => each.key === key && each.value === 'true') === true
  const press = (word: Word, told: string) => async () => {
    await send('POST', path`functions/${name}/${word}`)
    onChanged()
    return told
  }
  const purge = async () => {
    const told = await purgeWaiting(name)
    onChanged()
    return told
  }
  return (
    <>
      {!isPattern(name) && (may('submit', name) || may('operate', name)) ? (
        <button type="button" class="button" onClick={() => setSubmitting(true)}>
          Submit a job
        </button>
      ) : null}
      {may('operate', name) ? (
        <>
          {isOn('paused') ? (
            <ActionButton run={press('resume', `${name} goes on.`)} isPrimary title="Give its jobs to workers again">
              Resume
            </ActionButton>
          ) : (
            <ActionButton
              run={press('pause', `${name} is paused.`)}
              title="Give no jobs to workers; those that run go on"
            >
              Pause
            </ActionButton>
          )}
          {isOn('draining') ? (
            <ActionButton run={press('undrain', `${name} takes jobs again.`)} isPrimary title="Take new jobs again">
              Undrain
            </ActionButton>
          ) : (
            <ActionButton
              run={press('drain', `${name} takes no new jobs.`)}
              title="Take no new jobs; those that are there are done"
            >
              Drain
            </ActionButton>
          )}
          <ActionButton run={purge} title="End all jobs that wait">
            Purge
          </ActionButton>
        </>
      ) : null}
      {isSubmitting ? <SubmitDialog name={name} onClose={() => setSubmitting(false)} /> : null}
    </>
  )
}

/** Counts the jobs that wait, asks, and ends them. Gives what is to be told. */
async function purgeWaiting(name: string): Promise<string | undefined> {
  const { states } = await get<{ readonly states: Readonly<Record<JobStateName, JobCount>> }>('jobs/counts', {
    function: name,
  })
  const { ready, delayed } = states
  const waiting = ready.count + delayed.count
  if (waiting === 0) return `No job of ${name} waits.`
  const many = `${ready.isExact && delayed.isExact ? '' : 'at least '}${counted(waiting, 'job')}`
  const isMeant = await confirm({
    title: `Purge ${many}?`,
    body: (
      <>
        <p class="wrapped">
          All jobs of {isPattern(name) ? 'all functions that fit ' : ''}
          <strong>{name}</strong> that wait end without having been done: {count(ready.count)} ready,{' '}
          {count(delayed.count)} delayed. Those that run go on. This can not be taken back.
        </p>
      </>
    ),
    action: `Purge ${many}`,
    isDestructive: true,
  })
  if (!isMeant) return undefined
  const { purged } = await send<{ readonly purged: number }>('POST', path`functions/${name}/purge`)
  return `${counted(purged, 'job')} of ${name} ${purged === 1 ? 'has' : 'have'} ended.`
}
