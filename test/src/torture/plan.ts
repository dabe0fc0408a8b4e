import type { Random } from '../simulation/random.ts'

/** What one who uses the server does, next. */
export type Action =
  | 'background'
  | 'epoch'
  | 'reduce'
  | 'foreground'
  | 'status'
  | 'status of unique'
  | 'cancel'
  /** A worker's word on a job that it does not have. */
  | 'stale word'
  | 'echo'

/** What becomes of a job that a worker has got. */
export type Fate =
  | 'at once'
  /** Together with a background submission, whose answer then says that both are on disk. */
  | 'at once, and submit'
  | 'later'
  | 'never'
  /** The connection ends while it has the job. */
  | 'leave'
  /** It says its last word, and the connection ends at once. */
  | 'finish and leave'
  | 'CANT_DO'

/** How somebody uses the server. */
export interface Habits {
  readonly kind: string
  readonly actions: readonly (readonly [weight: number, action: Action])[]
  /** Submissions in its first write. */
  readonly burst: number
  /** They are of one function and priority: more than a server holds in memory of its line. */
  readonly isBurstDeep: boolean
  /** Actions in one write. */
  readonly batchMax: number
  readonly pauseMs: number
  /** Commands without an answer, before it pauses. */
  readonly pendingMax: number
  /** Jobs that it asks for at a time; 0: it is no worker. */
  readonly grabs: number
  readonly fates: readonly (readonly [weight: number, fate: Fate])[]
  readonly workMs: number
  readonly leaveChance: number
}

/** When the round ends: after a while, or with an answer just heard. */
type Trigger =
  | { readonly what: 'time'; readonly afterMs: number }
  | { readonly what: 'JOB_CREATED' | 'WORK_COMPLETE' | 'JOB_ASSIGN_UNIQ' | 'OK'; readonly count: number }

/** One life of a server, and how it ends; all drawn from the seed. */
export interface RoundPlan {
  /** Starts that are killed so long after they began, before the one that is left to live. */
  readonly startKillsMs: readonly number[]
  readonly inspects: boolean
  /** Everything that is due is worked off first. */
  readonly drains: boolean
  readonly players: readonly Habits[]
  readonly trigger: Trigger
  /** kill: in the midst of it. calm: all is at rest and looked through before. go on: so, and nothing is killed. */
  readonly ending: 'kill' | 'calm' | 'go on'
  readonly uniques: readonly string[]
  readonly largeChance: number
}

/** No round is longer, whatever it waits for. */
export const roundMsMax = 700

export const functionNames: readonly string[] = ['resize', 'f', 'caf\xe9', 'a.function-with-a-name-of-some-length', 'F']

const nobody: Habits = {
  kind: 'nobody',
  actions: [],
  burst: 0,
  isBurstDeep: false,
  batchMax: 1,
  pauseMs: 1,
  pendingMax: 200,
  grabs: 0,
  fates: [[1, 'at once']],
  workMs: 0,
  leaveChance: 0,
}

/** Works off what there is, without a fault. */
export const honestWorker: Habits = { ...nobody, kind: 'honest', grabs: 8 }

const questions = [
  [1, 'status'],
  [0.5, 'status of unique'],
  [0.5, 'echo'],
] as const

const submitting = [
  [10, 'background'],
  [2, 'epoch'],
  [1, 'reduce'],
] as const

const working = [
  [14, 'at once'],
  [6, 'at once, and submit'],
  [3, 'later'],
  [0.7, 'never'],
  [0.4, 'leave'],
  [0.4, 'finish and leave'],
  [0.3, 'CANT_DO'],
] as const

export function drawRound(random: Random, round: number): RoundPlan {
  const pauseMs = random.pick([0, 0, 1, 3])
  const batchMax = random.pick([1, 3, 10, 40])
  const usual = { ...nobody, pauseMs, batchMax, leaveChance: random.pick([0, 0, 0.01, 0.05]) }
  const workMs = random.pick([0, 1, 5, 30])
  const submitter = { ...usual, kind: 'submitter', actions: [...submitting, ...questions] }
  const flood = { ...submitter, kind: 'flood', burst: random.between(300, 2000), pauseMs: 30 }
  const deep = { ...flood, kind: 'deep flood', burst: 6000, isBurstDeep: true }
  const client = { ...usual, kind: 'client', actions: [[8, 'foreground'], ...questions] as const }
  const worker = { ...usual, kind: 'worker', grabs: random.pick([1, 1, 2, 8]), fates: working, workMs, pauseMs: 5 }
  const administrator = {
    ...usual,
    kind: 'administrator',
    actions: [[6, 'cancel'], ...questions] as const,
    batchMax: 3,
  }
  const mixed: Habits = {
    ...worker,
    kind: 'mixed',
    pauseMs,
    actions: [...submitting, [3, 'foreground'], ...questions, [1, 'cancel'], [0.5, 'stale word']],
  }
  // Some rounds fill the queue, some empty it.
  const tide = random.pick(['in', 'in', 'even', 'out', 'out'])
  const players = [
    ...several(random, 0, tide === 'out' ? 1 : 3, submitter),
    ...several(random, 0, tide === 'in' && random.chance(0.3) ? 2 : 0, flood),
    ...(random.chance(0.04) ? [deep] : []),
    ...several(random, 0, 2, client),
    ...several(random, tide === 'out' ? 2 : 0, tide === 'in' ? 1 : 6, worker),
    ...several(random, 0, 1, administrator),
    ...several(random, 1, 3, mixed),
  ]
  return {
    startKillsMs: random.chance(0.12) ? several(random, 1, 2, undefined).map(() => random.between(0, 350)) : [],
    inspects: random.chance(0.85),
    drains: random.chance(0.15),
    players,
    trigger: drawTrigger(random),
    ending: random.weighted([
      [7, 'kill'],
      [2, 'calm'],
      [1, 'go on'],
    ]),
    uniques: sharedUniques(round),
    largeChance: random.pick([0, 0, 0.02, 0.1]),
  }
}

function drawTrigger(random: Random): Trigger {
  const count = Math.ceil(random.exponential(200))
  return random.weighted<() => Trigger>([
    [6, () => ({ what: 'time', afterMs: random.between(20, 250) })],
    // A server that was hardly begun with is killed again.
    [1, () => ({ what: 'time', afterMs: random.between(0, 20) })],
    [2, () => ({ what: 'JOB_CREATED', count })],
    [1, () => ({ what: 'WORK_COMPLETE', count: Math.ceil(count / 5) })],
    [1, () => ({ what: 'JOB_ASSIGN_UNIQ', count })],
    [0.5, () => ({ what: 'OK', count: Math.ceil(count / 20) })],
  ])()
}

/** What many submit under; every few rounds others, since some jobs wait for long. */
function sharedUniques(round: number): string[] {
  const era = Math.floor(round / 6)
  const short = Array.from({ length: 12 }, (_, i) => `u${era}-${i}`)
  return [...short, `${era}`.padEnd(64, 'u'), `\xff\x80-${era}`, `it is ${era}`]
}

function several<T>(random: Random, min: number, max: number, item: T): T[] {
  return Array.from({ length: random.between(min, Math.max(min, max)) }, () => item)
}
