import { signal } from '@preact/signals'
import type { JSX } from 'preact'

interface Toast {
  readonly id: number
  readonly text: string
  readonly tone: 'good' | 'bad'
}

const shownMs = 6000
const toasts = signal<readonly Toast[]>([])
let nextId = 1

/** Tells what has become of something, for a moment; screen readers say it. */
export function toast(text: string, tone: Toast['tone'] = 'good'): void {
  const id = nextId++
  toasts.value = [...toasts.value.slice(-3), { id, text, tone }]
  setTimeout(() => dismiss(id), shownMs)
}

export function Toasts(): JSX.Element {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map(({ id, text, tone }) => (
        <div key={id} class={`toast tone-${tone}`}>
          {text}
        </div>
      ))}
    </div>
  )
}

function dismiss(id: number): void {
  toasts.value = toasts.value.filter((each) => each.id !== id)
}
