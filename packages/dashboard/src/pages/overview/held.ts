const canHover = matchMedia('(hover: hover)')

/** Whether somebody points at something in the element or has the focus in it, and may be about to click: it should stay where it is. */
export function isHeld(element: Element | null): boolean {
  if (element === null) return false
  // After a touch, what was touched would be pointed at for good.
  return element.contains(document.activeElement) || (canHover.matches && element.matches(':hover'))
}
