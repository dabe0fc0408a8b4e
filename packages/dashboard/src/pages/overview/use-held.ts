import { useState } from 'preact/hooks'

/** Whether somebody points at something in an element or has the focus in it, and may be about to click: it should stay where it is. */
export interface Held {
  readonly isHeld: boolean
  readonly onPointerEnter: () => void
  readonly onPointerLeave: () => void
  readonly onFocusIn: () => void
  readonly onFocusOut: () => void
}

export function useHeld(): Held {
  const [isPointedAt, setPointedAt] = useState(false)
  const [isFocused, setFocused] = useState(false)
  return {
    isHeld: isPointedAt || isFocused,
    onPointerEnter: () => setPointedAt(true),
    onPointerLeave: () => setPointedAt(false),
    onFocusIn: () => setFocused(true),
    onFocusOut: () => setFocused(false),
  }
}
