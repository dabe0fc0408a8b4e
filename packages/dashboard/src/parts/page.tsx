import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { about } from '../session/session.ts'

/** The frame of each page: its heading, what can be done with it as a whole, and its content. */
export function Page(props: {
  /** As the browser's title has it, and the heading unless there is another one. */
  readonly title: string
  readonly heading?: ComponentChildren
  readonly actions?: ComponentChildren
  readonly children: ComponentChildren
}): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null)
  useLayoutEffect(() => {
    // It takes the place of one that had the focus: that of a page that was still loading.
    if (document.activeElement === document.body) heading.current?.focus({ preventScroll: true })
  }, [])
  useEffect(() => {
    document.title = `${props.title} · Geartrain${about.peek()?.kind === 'monitor' ? ' monitor' : ''}`
  }, [props.title])
  return (
    <>
      <header class="page-head">
        <h1 ref={heading} tabIndex={-1}>
          {props.heading ?? props.title}
        </h1>
        {props.actions === undefined ? null : <div class="page-actions">{props.actions}</div>}
      </header>
      {props.children}
    </>
  )
}

/** A part of a page with a heading of its own. */
export function Section(props: {
  readonly title: string
  readonly actions?: ComponentChildren
  readonly children: ComponentChildren
}): JSX.Element {
  return (
    <section class="section">
      <header class="section-head">
        <h2>{props.title}</h2>
        {props.actions}
      </header>
      {props.children}
    </section>
  )
}
