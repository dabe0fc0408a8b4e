import { signal } from '@preact/signals'
import type { FunctionRow } from './fleet.ts'

/** Sums that are not as they were at first: those that were open are closed. They stay so while the page is left. */
const toggled = signal<ReadonlySet<string>>(new Set())

/** Whether the functions of a sum are shown below it. */
export function isOpen({ key, isOpenAtFirst }: FunctionRow): boolean {
  return (isOpenAtFirst === true) !== toggled.value.has(key)
}

export function toggle({ key }: FunctionRow): void {
  const next = new Set(toggled.value)
  if (!next.delete(key)) next.add(key)
  toggled.value = next
}
