import type { JSX } from 'preact'
import { CopyButton } from './copy-button.tsx'

/** A line for the terminal. */
export function Command({ text }: { readonly text: string }): JSX.Element {
  return (
    <div class="command">
      {/* A long line is scrolled, also by keys. */}
      <code tabIndex={0} role="group" aria-label="Command">
        {text}
      </code>
      <CopyButton text={text} label="Copy the command" />
    </div>
  )
}
