/** What the doctor says of one thing. */
export interface Finding {
  /** `durability`, `vacuum`: findings of one topic are shown together. */
  readonly topic: Topic
  /** `fine`: as it should be. `note`: good to know. `warning`: sooner or later it hurts. `problem`: it hurts now, or loses jobs. */
  readonly level: 'fine' | 'note' | 'warning' | 'problem'
  /** What is so, in a sentence. */
  readonly text: string
  /** What to do about it. */
  readonly advice?: string
}

export const topics = [
  'connection',
  'version',
  'durability',
  'schema',
  'servers',
  'vacuum',
  'latency',
  'clock',
] as const
type Topic = (typeof topics)[number]
