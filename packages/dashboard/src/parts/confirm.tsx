import { signal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'
import { Dialog } from './dialog.tsx'

export interface Question {
  /** `Purge resize?` */
  readonly title: string
  /** What becomes of what, and of how many. */
  readonly body: ComponentChildren
  /** What the button says: `Purge 1,204 jobs`. */
  readonly action: string
  /** It can't be taken back. */
  readonly isDestructive?: boolean
}

interface Asked extends Question {
  answer(isYes: boolean): void
}

const asked = signal<Asked | undefined>(undefined)

/** Asks before something is done. */
export function confirm(question: Question): Promise<boolean> {
  asked.peek()?.answer(false)
  return new Promise((resolve) => {
    asked.value = {
      ...question,
      answer(isYes) {
        asked.value = undefined
        resolve(isYes)
      },
    }
  })
}

export function Confirmation(): JSX.Element | null {
  const { value } = asked
  if (value === undefined) return null
  return (
    <Dialog title={value.title} onClose={() => value.answer(false)}>
      <div>{value.body}</div>
      <footer class="dialog-foot">
        <button type="button" class="button" onClick={() => value.answer(false)}>
          {/* To cancel is what is done to jobs. */}
          Leave it
        </button>
        <button
          type="button"
          class={value.isDestructive === true ? 'button danger' : 'button primary'}
          onClick={() => value.answer(true)}
        >
          {value.action}
        </button>
      </footer>
    </Dialog>
  )
}
