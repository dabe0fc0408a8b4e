import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useLocation } from 'wouter-preact'
import { path, send } from '../../api/api.ts'
import { priorities } from '../../filter/filter-keys.ts'
import { jobLink } from '../../links.ts'
import { Dialog, DialogFoot } from '../../parts/dialog.tsx'
import { toast } from '../../parts/toast.tsx'
import { bytesOf, textOf } from '../../payload/bytes.ts'
import { may } from '../../session/session.ts'
import { bytes as sizeText } from '../../text/numbers.ts'
import { submitQuery } from './commands.ts'
import type { JobSnapshot, Told } from './told.ts'
import type { Source } from './use-payloads.ts'

/** A job like this one, or a dead one itself, with what is changed here. */
export function ResubmitDialog(props: {
  readonly told: Told
  readonly workload: Source
  readonly onClose: () => void
  readonly onChanged: () => void
}): JSX.Element {
  const { told, workload, onClose, onChanged } = props
  const { job } = told
  const [, goTo] = useLocation()
  const known = workload.kind === 'bytes' && workload.known.isWhole ? workload.known.bytes : undefined
  const original = known === undefined ? undefined : textOf(known)
  const canRetry = job.state === 'dead' && told.isGone !== true && may('operate', job.function)
  const [isRetry, setRetry] = useState(canRetry)
  const [text, setText] = useState(original ?? '')
  const [functionName, setFunctionName] = useState(job.function)
  const [priority, setPriority] = useState(job.priority)
  const [unique, setUnique] = useState(job.unique)
  const [delay, setDelay] = useState('')
  const [problem, setProblem] = useState('')
  const [isBusy, setBusy] = useState(false)
  // What can't be edited, or was not, goes as it is.
  const payload = known !== undefined && (original === undefined || original === text) ? known : edited(text, original)
  const { 'run-at': _, ...same } = submitQuery(job)

  const submit = async () => {
    if (isRetry) {
      if (payload.length === 0) {
        throw new Error('With an empty payload a retry keeps the one that it has: submit a new job instead.')
      }
      await send('POST', path`jobs/${job.handle}/retry`, payload)
      toast('It is in line again with this payload.')
      onChanged()
    } else {
      const query = {
        ...same,
        priority,
        unique: unique === '' ? undefined : unique,
        delay: delay.trim() === '' ? undefined : delay.trim(),
      }
      const { handle } = await send<{ handle: string }>('POST', path`functions/${functionName}/jobs`, payload, query)
      toast(`Submitted as ${handle}.`)
      goTo(jobLink(handle))
    }
    onClose()
  }
  const press = async (event: Event) => {
    event.preventDefault()
    setBusy(true)
    try {
      await submit()
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error))
      setBusy(false)
    }
  }

  return (
    <Dialog title="Resubmit edited" onClose={onClose} isWide>
      <form class="job-form" onSubmit={(event) => void press(event)}>
        {canRetry ? (
          <fieldset class="choices">
            <legend>As</legend>
            <Choice text="this job, tried again" isChosen={isRetry} onChoose={() => setRetry(true)} />
            <Choice text="a new job; this one stays dead" isChosen={!isRetry} onChoose={() => setRetry(false)} />
          </fieldset>
        ) : null}
        {known !== undefined && original === undefined ? (
          <p class="muted">Its payload, {sizeText(known.length)}, is not text: it goes as it is.</p>
        ) : (
          <label>
            Payload
            <textarea
              class="mono"
              rows={10}
              spellcheck={false}
              value={text}
              onInput={({ currentTarget }) => setText(currentTarget.value)}
            />
          </label>
        )}
        {workload.kind === 'bytes' && known !== undefined ? null : (
          <p class="tone-warn banner">
            The payload of this job is not shown here: what is written above goes in its place.
          </p>
        )}
        {isRetry ? null : (
          <div class="job-fields">
            <TextField name="Function" value={functionName} onInput={setFunctionName} isRequired />
            <TextField name="Unique" value={unique} onInput={setUnique} hint="none" />
            <TextField name="Delay" value={delay} onInput={setDelay} hint="30s, 5m, 1h" />
            <label>
              Priority
              <select
                value={priority}
                onChange={({ currentTarget }) =>
                  setPriority(priorities.find((each) => each === currentTarget.value) ?? priority)
                }
              >
                {priorities.map((each) => (
                  <option key={each}>{each}</option>
                ))}
              </select>
            </label>
          </div>
        )}
        {isRetry ? null : <Along job={job} query={same} />}
        <p class="problem" role="alert">
          {problem}
        </p>
        <DialogFoot
          onClose={onClose}
          action={isRetry ? 'Retry with this payload' : 'Submit a new job'}
          isDisabled={isBusy}
        />
      </form>
    </Dialog>
  )
}

/** A text field makes every end of a line a newline. */
function edited(text: string, original = ''): Uint8Array {
  const isOfWindows = original.includes('\r\n') && !/(^|[^\r])\n/.test(original)
  return bytesOf(isOfWindows ? text.replaceAll(/\r?\n/g, '\r\n') : text)
}

function Choice(props: {
  readonly text: string
  readonly isChosen: boolean
  readonly onChoose: () => void
}): JSX.Element {
  return (
    <label class="inline">
      <input type="radio" name="as" checked={props.isChosen} onChange={props.onChoose} />
      {props.text}
    </label>
  )
}

function TextField(props: {
  readonly name: string
  readonly value: string
  readonly onInput: (value: string) => void
  readonly hint?: string
  readonly isRequired?: boolean
}): JSX.Element {
  return (
    <label>
      {props.name}
      <input
        value={props.value}
        placeholder={props.hint}
        required={props.isRequired === true}
        autocomplete="off"
        onInput={({ currentTarget }) => props.onInput(currentTarget.value)}
      />
    </label>
  )
}

/** What else is as it was. */
function Along(props: { readonly job: JobSnapshot; readonly query: Readonly<Record<string, string>> }): JSX.Element {
  const others = Object.entries(props.query).filter(([key]) => key !== 'unique' && key !== 'priority')
  return (
    <p class="muted">
      {props.job.background ? 'It is a background job, as this one.' : 'It is a background job: nobody waits for it.'}
      {others.length === 0 ? null : ' These go along: '}
      {others.map(([key, value]) => (
        <code key={key} class="option">
          {key} = {value}
        </code>
      ))}
    </p>
  )
}
