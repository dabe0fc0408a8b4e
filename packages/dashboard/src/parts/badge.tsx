import type { JSX } from 'preact'
import { type BadgeState, tones } from './badge-state.ts'

/** A state, by its word and by a colour. */
export function Badge({ state, children }: { readonly state: BadgeState; readonly children?: string }): JSX.Element {
  return <span class={`badge tone-${tones[state]}`}>{children ?? state}</span>
}
