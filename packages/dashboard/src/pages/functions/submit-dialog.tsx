import type { PriorityName } from '@geartrain/protocol'
import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { path, postBytes } from '../../api/api.ts'
import { priorities } from '../../filter/filter-keys.ts'
import { jobLink } from '../../links.ts'
import { Dialog, DialogFoot } from '../../parts/dialog.tsx'
import { bytes } from '../../text/numbers.ts'

/** So long is the result of a job waited for that is not in the background. */
const wait = '30s'
/** More of a result is not shown. */
const shownMax = 10_000

type Outcome =
  | { readonly kind: 'kept'; readonly handle: string }
  | { readonly kind: 'done'; readonly text: string; readonly size: number }

/** A job of a function, with what is typed as its workload. */
export function SubmitDialog({ name, onClose }: { readonly name: string; readonly onClose: () => void }): JSX.Element {
  const [workload, setWorkload] = useState('')
  const [unique, setUnique] = useState('')
  const [priority, setPriority] = useState<PriorityName>('normal')
  const [isBackground, setBackground] = useState(true)
  const [isBusy, setBusy] = useState(false)
  const [problem, setProblem] = useState('')
  const [outcome, setOutcome] = useState<Outcome>()
  const stop = useRef<AbortController>(new AbortController())
  // Nobody waits for its result any more.
  useEffect(() => () => stop.current.abort(), [])

  const submit = async () => {
    setBusy(true)
    setProblem('')
    setOutcome(undefined)
    try {
      const query = { priority, unique: unique === '' ? undefined : unique, wait: isBackground ? undefined : wait }
      const body = new TextEncoder().encode(workload)
      const answer = await postBytes(path`functions/${name}/jobs`, body, query, stop.current.signal)
      setOutcome(await outcomeOf(answer))
    } catch (error) {
      if (!stop.current.signal.aborted) setProblem(error instanceof Error ? error.message : String(error))
    }
    setBusy(false)
  }

  return (
    <Dialog title="Submit a job" onClose={onClose}>
      <form
        class="submit-form"
        onSubmit={(event) => {
          event.preventDefault()
          void submit()
        }}
      >
        <p class="muted wrapped">
          Of the function <strong>{name}</strong>.
        </p>
        <label>
          Workload
          <textarea
            class="mono"
            rows={6}
            value={workload}
            onInput={({ currentTarget }) => setWorkload(currentTarget.value)}
          />
        </label>
        <label>
          Unique
          <input
            type="text"
            autocomplete="off"
            placeholder="none: it is a job of its own"
            value={unique}
            onInput={({ currentTarget }) => setUnique(currentTarget.value)}
          />
        </label>
        <label>
          Priority
          <select
            value={priority}
            onChange={({ currentTarget }) => {
              const chosen = priorities.find((each) => each === currentTarget.value)
              if (chosen !== undefined) setPriority(chosen)
            }}
          >
            {priorities.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
        <label class="inline">
          <input
            type="checkbox"
            checked={isBackground}
            onChange={({ currentTarget }) => setBackground(currentTarget.checked)}
          />
          <span>
            In the background <span class="muted">or else its result is waited for, {wait} at most</span>
          </span>
        </label>
        <div class="submit-outcome">
          <p class="problem" role="alert">
            {problem}
          </p>
          <div role="status">{outcome === undefined ? null : <Told outcome={outcome} />}</div>
        </div>
        <DialogFoot
          onClose={onClose}
          action={isBusy && !isBackground ? 'Waiting …' : 'Submit'}
          isDisabled={isBusy}
          leave="Close"
        />
      </form>
    </Dialog>
  )
}

async function outcomeOf(answer: Response): Promise<Outcome> {
  if (answer.status === 202) {
    // As the API's description says.
    const { handle } = (await answer.json()) as { readonly handle: string }
    return { kind: 'kept', handle }
  }
  const result = await answer.arrayBuffer()
  return { kind: 'done', text: new TextDecoder().decode(result.slice(0, shownMax)), size: result.byteLength }
}

function Told({ outcome }: { readonly outcome: Outcome }): JSX.Element {
  if (outcome.kind === 'kept') {
    return (
      <p class="wrapped">
        Submitted: <Link href={jobLink(outcome.handle)}>{outcome.handle}</Link>
      </p>
    )
  }
  return (
    <>
      <p>
        Done. Its result, {bytes(outcome.size)}
        {outcome.size > shownMax ? `, of which the first ${bytes(shownMax)}` : ''}:
      </p>
      <pre class="submit-result" tabIndex={0} role="region" aria-label="Result">
        {outcome.text}
      </pre>
    </>
  )
}
