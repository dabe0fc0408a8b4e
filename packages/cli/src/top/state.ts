import type { Frame } from './frame.ts'

export const views = ['functions', 'workers', 'jobs'] as const
type View = (typeof views)[number]

/** What functions can be sorted by. */
export const sortKeys = ['queued', 'running', 'workers', 'in', 'out', 'still', 'function'] as const
export type SortKey = (typeof sortKeys)[number]

/** What the user has chosen to see, and what there is to be seen. */
export interface TopState {
  /** Undefined until the servers have been asked. While it is paused it stays. */
  readonly frame: Frame | undefined
  readonly view: View
  readonly sort: SortKey
  readonly isReversed: boolean
  readonly filter: string
  /** The filter is being typed. */
  readonly isTyping: boolean
  readonly isPaused: boolean
  readonly isHelp: boolean
  readonly intervalMs: number
  /** Rows above the first that is shown. */
  readonly scroll: number
}

/** A key as Node's readline gives it. */
export interface Key {
  readonly name?: string | undefined
  readonly sequence?: string | undefined
  readonly ctrl?: boolean | undefined
  readonly meta?: boolean | undefined
}

const intervalsMs = [250, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000] as const
const filterCharsMax = 100

export function initialState(chosen: Partial<TopState>): TopState {
  return {
    frame: undefined,
    view: 'functions',
    sort: 'queued',
    isReversed: false,
    filter: '',
    isTyping: false,
    isPaused: false,
    isHelp: false,
    intervalMs: 1000,
    scroll: 0,
    ...chosen,
  }
}

/** What a key makes of it. `rows` are those of a page. */
export function press(state: TopState, key: Key, rows: number): TopState | 'quit' {
  if (key.ctrl === true && key.name === 'c') return 'quit'
  if (state.isTyping) return typeFilter(state, key)
  // Any key takes the help away, and is not meant for what lies behind it.
  if (state.isHelp) return { ...state, isHelp: false }
  const act = acts.get(key.sequence ?? '') ?? acts.get(key.name ?? '')
  return act === undefined ? state : act(state, rows)
}

type Act = (state: TopState, rows: number) => TopState | 'quit'

const quit: Act = () => 'quit'
const show =
  (view: View): Act =>
  (state) => ({ ...state, view, scroll: 0 })
const pause: Act = (state) => ({ ...state, isPaused: !state.isPaused })
const help: Act = (state) => ({ ...state, isHelp: true })
const sortBy =
  (step: number): Act =>
  (state) => ({ ...state, sort: next(sortKeys, state.sort, step), scroll: 0 })
const askEvery =
  (step: number): Act =>
  (state) => ({ ...state, intervalMs: neighbour(state.intervalMs, step) })
const scrollBy =
  (rowsOf: (rows: number) => number): Act =>
  (state, rows) => ({ ...state, scroll: Math.max(0, Math.min(lastRow(state), state.scroll + rowsOf(rows))) })

const acts: ReadonlyMap<string, Act> = new Map<string, Act>([
  ['q', quit],
  ['f', show('functions')],
  ['w', show('workers')],
  ['j', show('jobs')],
  ['tab', (state) => ({ ...state, view: next(views, state.view, 1), scroll: 0 })],
  ['s', sortBy(1)],
  ['S', sortBy(-1)],
  ['r', (state) => ({ ...state, isReversed: !state.isReversed })],
  ['/', (state) => ({ ...state, isTyping: true })],
  ['escape', (state) => ({ ...state, filter: '', scroll: 0 })],
  ['p', pause],
  [' ', pause],
  // Seconds between two frames, and so the other way round than speed.
  ['+', askEvery(1)],
  ['-', askEvery(-1)],
  ['?', help],
  ['h', help],
  ['up', scrollBy(() => -1)],
  ['down', scrollBy(() => 1)],
  ['pageup', scrollBy((rows) => -rows)],
  ['pagedown', scrollBy((rows) => rows)],
  ['home', scrollBy(() => Number.NEGATIVE_INFINITY)],
  ['end', scrollBy(() => Number.POSITIVE_INFINITY)],
])

function typeFilter(state: TopState, { name, sequence = '', ctrl, meta }: Key): TopState {
  const { filter } = state
  if (name === 'return' || name === 'enter') return { ...state, isTyping: false }
  if (name === 'escape') return { ...state, isTyping: false, filter: '', scroll: 0 }
  if (name === 'backspace') return { ...state, filter: Array.from(filter).slice(0, -1).join(''), scroll: 0 }
  if (ctrl === true || meta === true || !/^[^\p{C}]+$/u.test(sequence)) return state
  return { ...state, filter: (filter + sequence).slice(0, filterCharsMax), scroll: 0 }
}

/** As far as there are rows without a filter: what is drawn ends at the last one that is left. */
function lastRow({ frame, view }: TopState): number {
  return Math.max(0, (frame?.[view]?.length ?? 0) - 1)
}

function next<T>(list: readonly T[], current: T, step: number): T {
  return list[(list.indexOf(current) + step + list.length) % list.length] ?? current
}

function neighbour(intervalMs: number, step: number): number {
  const other = step > 0 ? intervalsMs.find((ms) => ms > intervalMs) : intervalsMs.findLast((ms) => ms < intervalMs)
  return other ?? intervalMs
}
