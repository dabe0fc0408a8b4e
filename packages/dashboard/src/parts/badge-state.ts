/** How each state looks: a class `tone-...`. */
export const tones = {
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
