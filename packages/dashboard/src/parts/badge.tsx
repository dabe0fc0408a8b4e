import type { JSX } from 'preact'

const tones = {
  ready: 'info',
  pending: 'info',
  running: 'active',
  delayed: 'quiet',
  complete: 'good',
  failed: 'bad',
  exception: 'bad',
  dead: 'bad',
  paused: 'warn',
  draining: 'warn',
  live: 'good',
  lost: 'bad',
  critical: 'bad',
  warning: 'warn',
  idle: 'quiet',
  high: 'warn',
  normal: 'quiet',
  low: 'quiet',
} as const

export type BadgeState = keyof typeof tones

/** A state, by its word and by a colour. */
export function Badge({ state, children }: { readonly state: BadgeState; readonly children?: string }): JSX.Element {
  return <span class={`badge tone-${tones[state]}`}>{children ?? state}</span>
}
