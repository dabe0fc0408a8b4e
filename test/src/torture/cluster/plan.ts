import { Random } from '../../simulation/random.ts'

export const serverCount = 3
/** Short, so that a round is; a server that is stopped for a third of it may still have it. */
export const leaseMs = 3000

/** What is done to servers and database. `server` is the place of one; a time says how long. */
export type Event =
  | { readonly kind: 'kill' | 'quit'; readonly server: number; readonly ms: number }
  | { readonly kind: 'freeze' | 'cut' | 'unlink'; readonly server: number; readonly ms: number }
  | { readonly kind: 'reset'; readonly server: number }
  | { readonly kind: 'pause database'; readonly ms: number }
  | { readonly kind: 'fail over'; readonly ms: number; readonly how: FailOver }
  | { readonly kind: 'restart database' }

/**
 * How the primary is lost. killed: its process dies, and the connections with it. vanished: its machine does, and nothing
 * is heard of it. woken: it stands still, and goes on when the standby has taken its place, until somebody ends it.
 */
export type FailOver = 'killed' | 'vanished' | 'woken'

export type EventKind = Event['kind']

export type Load = 'light' | 'heavy'

/** One round: traffic, what happens in it, and traffic until all servers are well again. */
export interface RoundPlan {
  readonly beforeMs: number
  /** Two begin at once. */
  readonly events: readonly Event[]
  /** So much longer than the recovery it goes on. */
  readonly afterMs: number
  /** Everything is worked off and looked through at its end. */
  readonly drains: boolean
  /** Where all workers are that take what clients wait for. */
  readonly workersOfForeground: number
  /** heavy: more comes than is done, so that each server has jobs in hand. */
  readonly load: Load
  readonly seed: number
}

/** Each comes once in as many rounds, in an order of the seed's. */
export const deck = [
  'kill',
  'freeze',
  'cut',
  'fail over',
  'unlink',
  'pause database',
  'quit',
  'reset',
  'restart database',
] as const satisfies readonly EventKind[]
const ofDatabase: ReadonlySet<EventKind> = new Set(['fail over', 'pause database', 'restart database'])
const secondChance = 0.25
const heavyChance = 0.35
const drainsEvery = 3

/** Rounds count from 1. `kinds` are those that there are. */
export function drawRound(seed: number, round: number, kinds: readonly EventKind[] = deck): RoundPlan {
  const random = new Random(seed * 2 ** 21 + round)
  const turn = new Random(seed, 1 + Math.floor((round - 1) / kinds.length))
  const kind = shuffled(turn, kinds)[(round - 1) % kinds.length] ?? 'kill'
  const first = drawEvent(random, kind, random.between(0, serverCount - 1))
  return {
    beforeMs: random.between(300, 1200),
    events: random.chance(secondChance) ? [first, drawSecond(random, first, kinds)] : [first],
    afterMs: random.between(300, 1000),
    drains: round % drainsEvery === 0,
    workersOfForeground: random.between(0, serverCount - 1),
    load: random.chance(heavyChance) ? 'heavy' : 'light',
    seed: random.between(0, 2 ** 40),
  }
}

function drawEvent(random: Random, kind: EventKind, server: number): Event {
  // Each is drawn, so that what follows does not depend on the kind.
  const isLong = random.chance(0.7)
  const longMs = leaseMs + random.between(500, 2500)
  const shortMs = random.between(50, leaseMs / 4)
  const how = random.pick<FailOver>(['killed', 'vanished', 'woken'])
  switch (kind) {
    case 'kill':
    case 'quit':
      return { kind, server, ms: isLong ? shortMs : longMs }
    case 'freeze':
    case 'cut':
    case 'unlink':
      return { kind, server, ms: isLong ? longMs : shortMs }
    case 'reset':
      return { kind, server }
    case 'fail over':
      return { kind, ms: isLong ? shortMs : longMs, how }
    case 'pause database':
      return { kind, ms: isLong ? shortMs * 3 : longMs }
    case 'restart database':
      return { kind }
  }
}

/** Another thing, to another server. */
function drawSecond(random: Random, first: Event, all: readonly EventKind[]): Event {
  const other = all.filter((kind) => !ofDatabase.has(kind) || !ofDatabase.has(first.kind))
  const firstServer = 'server' in first ? first.server : random.between(0, serverCount - 1)
  return drawEvent(
    random,
    random.pick(other.length === 0 ? deck : other),
    (firstServer + random.between(1, serverCount - 1)) % serverCount,
  )
}

function shuffled(random: Random, kinds: readonly EventKind[]): EventKind[] {
  const left = [...kinds]
  return kinds.map(() => left.splice(random.between(0, left.length - 1), 1)[0] ?? 'kill')
}

export function showEvent(event: Event): string {
  const server = 'server' in event ? ` s${event.server + 1}` : ''
  const how = 'how' in event ? `, ${event.how},` : ''
  return `${event.kind}${server}${how}${'ms' in event ? ` ${event.ms} ms` : ''}`
}
