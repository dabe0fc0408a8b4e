import type { JSX } from 'preact'
import { path, send } from '../../api/api.ts'
import { ActionButton } from '../../parts/action-button.tsx'
import { confirm } from '../../parts/confirm.tsx'
import { count, counted } from '../../text/numbers.ts'
import { isPattern } from './function-rows.ts'

interface Act {
  /** As in the address of the operation. */
  readonly word: 'pause' | 'resume' | 'drain' | 'undrain'
  readonly title: string
  readonly done: string
  readonly effect: string
}

const acts: readonly Act[] = [
  {
    word: 'pause',
    title: 'Pause',
    done: 'Paused',
    effect: 'Their jobs wait until they are resumed; those that run go on.',
  },
  { word: 'resume', title: 'Resume', done: 'Resumed', effect: 'Their jobs are given to workers again.' },
  {
    word: 'drain',
    title: 'Drain',
    done: 'Draining',
    effect: 'New jobs of them are refused; those that are there are done.',
  },
  { word: 'undrain', title: 'Undrain', done: 'No longer draining', effect: 'New jobs of them are taken again.' },
]

const namesShownMax = 10

/** What can be done with the functions that are selected. */
export function SelectedActions(props: {
  readonly names: readonly string[]
  readonly onClear: (keys: ReadonlySet<string>) => void
}): JSX.Element | null {
  const { onClear } = props
  if (props.names.length === 0) return null
  // What is done to one whose own name has a `*` is done to all that fit it.
  const names = props.names.filter((name) => !isPattern(name))
  const leftOut = props.names.length - names.length
  return (
    <div class="selected-actions card" role="group" aria-label="What is selected">
      <span>
        {count(names.length)} selected
        {leftOut === 0 ? '' : `; ${count(leftOut)} left out, whose name has a *`}
      </span>
      {(names.length === 0 ? [] : acts).map((act) => (
        <ActionButton key={act.word} run={() => doToAll(act, names)}>
          {act.title}
        </ActionButton>
      ))}
      <button type="button" class="button" onClick={() => onClear(new Set())}>
        Clear
      </button>
    </div>
  )
}

/** One after the other; one that is refused does not keep the others from it. */
async function doToAll({ word, title, done, effect }: Act, names: readonly string[]): Promise<string | undefined> {
  const what = counted(names.length, 'function')
  const isMeant = await confirm({
    title: `${title} ${what}?`,
    body: <Named names={names} effect={effect} />,
    action: `${title} ${what}`,
  })
  if (!isMeant) return undefined
  const refusals: string[] = []
  for (const name of names) {
    try {
      await send('POST', path`functions/${name}/${word}`)
    } catch (error) {
      refusals.push(error instanceof Error ? error.message : String(error))
    }
  }
  if (refusals.length === 0) return `${done}: ${what}.`
  throw new Error(`${count(refusals.length)} of ${what} refused: ${refusals[0]}`)
}

function Named({ names, effect }: { readonly names: readonly string[]; readonly effect: string }): JSX.Element {
  const more = names.length - namesShownMax
  return (
    <>
      <p>{effect}</p>
      <ul class="named">
        {names.slice(0, namesShownMax).map((name) => (
          <li key={name}>{name}</li>
        ))}
        {more > 0 ? <li class="muted">and {count(more)} more</li> : null}
      </ul>
    </>
  )
}
