import type { Finding } from '@geartrain/protocol'

/** A finding in its place on the page. */
export interface Placed {
  readonly finding: Finding
  /** It is found no more, and keeps its place while somebody is about to click. */
  readonly isOver: boolean
}

/**
 * What is found now, in the order of what was shown before: a new one comes below those of its severity. While
 * `isHeld`, all that was shown stays where it is, and what is new comes last.
 */
export function arranged(before: readonly Placed[], found: readonly Finding[], isHeld: boolean): readonly Placed[] {
  const left = new Map(found.map((finding) => [keyOf(finding), finding]))
  const placed: Placed[] = []
  for (const { finding: old } of before) {
    const finding = left.get(keyOf(old))
    left.delete(keyOf(old))
    if (finding !== undefined) placed.push({ finding, isOver: false })
    else if (isHeld) placed.push({ finding: old, isOver: true })
  }
  for (const finding of left.values()) placed.push({ finding, isOver: false })
  if (isHeld) return placed
  const isCritical = ({ finding }: Placed) => finding.severity === 'critical'
  return [...placed.filter(isCritical), ...placed.filter((each) => !isCritical(each))]
}

/** The same for what goes on for a while. */
export function keyOf({ kind, function: name }: Finding): string {
  return JSON.stringify([kind, name])
}
