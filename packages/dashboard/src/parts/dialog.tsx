import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { Icon } from './icon.tsx'

/** Over the page; Escape closes it, and what had the focus gets it back. */
export function Dialog(props: {
  readonly title: string
  readonly onClose: () => void
  readonly children: ComponentChildren
  readonly isWide?: boolean
}): JSX.Element {
  const element = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  useEffect(() => {
    const before = document.activeElement
    element.current?.showModal()
    return () => {
      if (before instanceof HTMLElement) before.focus()
    }
  }, [])
  return (
    <dialog
      ref={element}
      class={props.isWide === true ? 'dialog wide' : 'dialog'}
      aria-labelledby={titleId}
      onClose={props.onClose}
      onClick={(event) => {
        if (event.target === element.current) props.onClose()
      }}
    >
      <div class="dialog-body">
        <header class="dialog-head">
          <h2 id={titleId}>{props.title}</h2>
          <button type="button" class="button icon-button" aria-label="Close" onClick={props.onClose}>
            <Icon name="close" />
          </button>
        </header>
        {props.children}
      </div>
    </dialog>
  )
}

/** The way out of a form in a dialog, and the button that sends it off. */
export function DialogFoot(props: {
  readonly onClose: () => void
  /** What the button says. */
  readonly action: string
  readonly isDisabled: boolean
  /** What the way out is called. To cancel is what is done to jobs. */
  readonly leave?: string
}): JSX.Element {
  return (
    <footer class="dialog-foot">
      <button type="button" class="button" onClick={props.onClose}>
        {props.leave ?? 'Leave it'}
      </button>
      <button type="submit" class="button primary" disabled={props.isDisabled}>
        {props.action}
      </button>
    </footer>
  )
}
