import { count } from '../numbers.ts'
import { clip, printable, sparkline } from '../text.ts'
import type { Frame, FunctionState, JobState, ServerState, WorkerState } from './frame.ts'
import { type SortKey, type TopState, views } from './state.ts'
import { type Column, table } from './table.ts'

/** How text stands out. */
export interface Style {
  readonly strong: (text: string) => string
  readonly faint: (text: string) => string
  readonly bad: (text: string) => string
}

const asItIs = (text: string) => text

const plain: Style = { strong: asItIs, faint: asItIs, bad: asItIs }

/** A line, and how it is to stand out. */
interface Line {
  readonly text: string
  readonly style?: keyof Style | undefined
}

const queueWidth = 10
/** With fewer rows there is only the table, below one line of all servers. */
const fullRowsMin = 10

/** The whole screen: at most `rows` lines, none of them wider than `columns`. */
export function render(state: TopState, columns: number, rows: number, style: Style = plain): string[] {
  const { frame } = state
  const lines = frame === undefined ? [{ text: 'asking the servers ...' }] : allLines(state, frame, columns, rows)
  return lines.slice(0, rows).map(({ text, style: name }) => {
    const cut = clip(text, columns)
    return name === undefined ? cut : style[name](cut)
  })
}

/** How many rows of the table the screen shows: a page. */
export function pageRows({ frame }: TopState, rows: number): number {
  return frame === undefined ? 1 : Math.max(1, rows - headLines(frame, rows).length - footRows(rows) - 1)
}

function allLines(state: TopState, frame: Frame, columns: number, rows: number): readonly Line[] {
  if (state.isHelp) return helpLines
  const head = [titleLine(state, frame), ...headLines(frame, rows).slice(1)]
  const page = pageRows(state, rows)
  const body = [...tableLines(state, frame, columns, page), ...notes(state, frame)].slice(0, page + 1)
  if (!Number.isFinite(rows)) return [...head, ...body]
  const filler = Array.from({ length: Math.max(0, page + 1 - body.length) }, () => ({ text: '' }))
  return [...head, ...body, ...filler, ...(footRows(rows) === 0 ? [] : [footLine(state)])]
}

function titleLine({ view, isPaused, intervalMs }: TopState, frame: Frame): Line {
  const time = new Date(frame.atMs).toTimeString().slice(0, 8)
  const parts = ['geartrain top', time, `every ${intervalMs / 1000} s`, view, ...(isPaused ? ['PAUSED'] : [])]
  return { text: parts.join('  '), style: 'strong' }
}

/** The title's place first. */
function headLines(frame: Frame, rows: number): Line[] {
  const total = totalLine(frame)
  if (rows < fullRowsMin) return rows < 4 ? [{ text: '' }] : [{ text: '' }, total]
  return [{ text: '' }, ...serverLines(frame.servers, Math.max(1, Math.floor(rows / 4))), total, { text: '' }]
}

function footRows(rows: number): number {
  return rows < 5 ? 0 : 1
}

/** Those that don't answer first, as they must not be overlooked. */
function serverLines(servers: readonly ServerState[], linesMax: number): Line[] {
  const sorted = [...servers].sort((a, b) => Number(b.problem !== undefined) - Number(a.problem !== undefined))
  const shown = sorted.length <= linesMax ? sorted : sorted.slice(0, linesMax - 1)
  const width = Math.max(...shown.map(({ server }) => server.length), 0)
  const lines = shown.map((server) => serverLine(server, width))
  const left = sorted.slice(shown.length)
  if (left.length === 0) return lines
  const down = left.filter(({ problem }) => problem !== undefined).length
  return [...lines, { text: `and ${left.length} more${down === 0 ? '' : `, ${down} of them down`}` }]
}

function serverLine({ server, version, connections, problem }: ServerState, width: number): Line {
  const name = server.padEnd(width)
  if (problem !== undefined) return { text: `${name}  DOWN  ${printable(problem)}`, style: 'bad' }
  if (version === undefined) return { text: `${name}  ...` }
  const clients = connections === undefined ? '' : `, ${count(connections, 'connection')}`
  return { text: `${name}  up    version ${printable(version)}${clients}` }
}

function totalLine({ functions, workers, servers }: Frame): Line {
  const sum = (of: (row: FunctionState) => number | undefined) =>
    functions.reduce((all, row) => all + (of(row) ?? 0), 0)
  const down = servers.filter(({ problem }) => problem !== undefined).length
  const stuck = functions.filter((row) => row.stuck !== undefined).length
  const isRated = functions.some((row) => row.endedPerSecond !== undefined)
  const parts = [
    ...(down === 0 ? [] : [`${count(down, 'server')} DOWN`]),
    ...(stuck === 0 ? [] : [`${stuck} STUCK`]),
    `${sum((row) => row.queued)} queued`,
    `${sum((row) => row.running)} running`,
    count(workers.length, 'worker'),
    count(functions.length, 'function'),
    ...(isRated
      ? [`in ${rate(sum((row) => row.arrivedPerSecond))}/s`, `out ${rate(sum((row) => row.endedPerSecond))}/s`]
      : []),
  ]
  return { text: parts.join(', '), style: stuck + down > 0 ? 'bad' : undefined }
}

function tableLines(state: TopState, frame: Frame, columns: number, page: number): Line[] {
  const hasServers = frame.servers.length > 1
  switch (state.view) {
    case 'functions': {
      const rows = sortFunctions(frame.functions, state).filter(({ function: name }) => matches(state, name))
      return rowsOf(functionColumns, rows, state.scroll, page, columns, (row) => row.stuck !== undefined)
    }
    case 'workers': {
      const rows = frame.workers.filter(({ server, ip, clientId = '', functions }) =>
        matches(state, server, ip, clientId, ...functions),
      )
      return rowsOf(forServers(workerColumns, hasServers), rows, state.scroll, page, columns)
    }
    case 'jobs': {
      const rows = (frame.jobs ?? []).filter(({ server, handle }) => matches(state, server, handle))
      rows.sort((a, b) => b.seenMs - a.seenMs)
      return rowsOf(forServers(jobColumns, hasServers), rows, state.scroll, page, columns)
    }
  }
}

function rowsOf<Row>(
  tableColumns: readonly Column<Row>[],
  rows: readonly Row[],
  scroll: number,
  page: number,
  columns: number,
  isBad: (row: Row) => boolean = () => false,
): Line[] {
  // The last page is full, if there are so many.
  const from = Math.max(0, Math.min(scroll, rows.length - page))
  const shown = rows.slice(from, from + page)
  const [head = '', ...texts] = table(tableColumns, shown, columns, rows)
  const lines = texts.map((text, i): Line => {
    const row = shown[i]
    return { text, style: row !== undefined && isBad(row) ? 'bad' : undefined }
  })
  return [{ text: head, style: 'strong' }, ...lines]
}

/** Why a table has fewer rows than one may expect. */
function notes({ view, filter }: TopState, frame: Frame): Line[] {
  const tooLong = frame.servers.filter((server) => server.isListTooLong)
  const texts = [
    ...(view === 'jobs' ? tooLong.map(({ server }) => `${server} has too many jobs to list them`) : []),
    ...(frame[view] === undefined ? ['asking the servers ...'] : []),
    ...(filter === '' && frame[view]?.length === 0 && !(view === 'jobs' && tooLong.length > 0) ? [`no ${view}`] : []),
  ]
  return texts.map((text) => ({ text, style: 'faint' }))
}

function footLine({ filter, isTyping, sort, isReversed, view }: TopState): Line {
  if (isTyping) return { text: `filter: ${filter}_  (Enter keeps it, Esc clears it)` }
  const others = views.filter((each) => each !== view).map((each) => `${each[0]} ${each}`)
  const order = view === 'functions' ? [`s sort: ${sort}${isReversed ? ', reversed' : ''}`] : []
  const parts = ['? help', 'q quit', `/ filter${filter === '' ? '' : `: ${filter}`}`, ...order, ...others, 'p pause']
  return { text: parts.join('  '), style: 'faint' }
}

const functionColumns: readonly Column<FunctionState>[] = [
  { title: 'FUNCTION', cell: (row) => printable(row.function), rank: 9 },
  { title: 'QUEUED', cell: (row) => String(row.queued), rank: 8, isNumber: true },
  { title: 'RUNNING', cell: (row) => String(row.running), rank: 6, isNumber: true },
  { title: 'WORKERS', cell: (row) => String(row.workers), rank: 5, isNumber: true },
  { title: 'IN/S', cell: (row) => rate(row.arrivedPerSecond), rank: 2, isNumber: true, widthMin: 6 },
  { title: 'OUT/S', cell: (row) => rate(row.endedPerSecond), rank: 3, isNumber: true, widthMin: 6 },
  { title: 'QUEUE', cell: (row) => sparkline(row.queue, queueWidth), rank: 1, widthMin: queueWidth },
  { title: 'STUCK', cell: stuckCell, rank: 7, widthMin: 10 },
]

const workerColumns: readonly Column<WorkerState>[] = [
  { title: 'CLIENT ID', cell: ({ clientId }) => printable(clientId ?? '-'), rank: 9 },
  { title: 'SERVER', cell: ({ server }) => server, rank: 2 },
  { title: 'FD', cell: ({ fd }) => String(fd), rank: 1, isNumber: true },
  { title: 'IP', cell: ({ ip }) => printable(ip), rank: 3 },
  { title: 'FUNCTIONS', cell: ({ functions }) => functions.map(printable).join(' '), rank: 4 },
]

const jobColumns: readonly Column<JobState>[] = [
  { title: 'HANDLE', cell: ({ handle }) => printable(handle), rank: 9 },
  { title: 'SERVER', cell: ({ server }) => server, rank: 1 },
  { title: 'SEEN FOR', cell: ({ seenMs }) => duration(seenMs), rank: 4, isNumber: true },
  { title: 'RETRIES', cell: ({ retries }) => String(retries), rank: 3, isNumber: true },
  { title: 'KIND', cell: jobKind, rank: 2 },
]

/** The column of servers is for those who have several. */
function forServers<Row>(columns: readonly Column<Row>[], hasServers: boolean): readonly Column<Row>[] {
  return hasServers ? columns : columns.filter(({ title }) => title !== 'SERVER')
}

const sortValues: Readonly<Record<Exclude<SortKey, 'function'>, (row: FunctionState) => number>> = {
  queued: (row) => row.queued,
  running: (row) => row.running,
  workers: (row) => row.workers,
  in: (row) => row.arrivedPerSecond ?? 0,
  out: (row) => row.endedPerSecond ?? 0,
  still: (row) => row.stillMs,
}

/** Most first, names from A on; equal ones by name. */
export function sortFunctions(
  functions: readonly FunctionState[],
  { sort, isReversed }: Pick<TopState, 'sort' | 'isReversed'>,
): FunctionState[] {
  const byName = (a: FunctionState, b: FunctionState) => (a.function < b.function ? -1 : 1)
  const value = sort === 'function' ? () => 0 : sortValues[sort]
  const sorted = [...functions].sort((a, b) => value(b) - value(a) || byName(a, b))
  return isReversed ? sorted.reverse() : sorted
}

function stuckCell({ stuck, stillMs }: FunctionState): string {
  if (stuck === undefined) return ''
  return stuck === 'no workers' ? stuck : `still ${duration(stillMs)}`
}

function jobKind({ isBackground, isIgnored }: JobState): string {
  return `${isBackground ? 'background' : 'foreground'}${isIgnored ? ', cancelled' : ''}`
}

function matches({ filter }: TopState, ...texts: readonly string[]): boolean {
  const wanted = filter.toLowerCase()
  return texts.some((text) => text.toLowerCase().includes(wanted))
}

function rate(perSecond: number | undefined): string {
  if (perSecond === undefined) return '-'
  return perSecond < 100 ? perSecond.toFixed(1) : String(Math.round(perSecond))
}

/** `12s`, `3m`, `2h`, `5d`. */
function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  if (seconds < 120) return `${seconds}s`
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`
}

const helpLines: readonly Line[] = [
  { text: 'geartrain top', style: 'strong' },
  { text: '' },
  { text: 'f w j, Tab      functions, workers, jobs' },
  { text: 's S r           sort functions by the next or last key, reverse the order' },
  { text: '/               filter by a part of the name; Esc clears it' },
  { text: '+ -             more or less time between two frames' },
  { text: 'p, Space        pause: the screen stays, the servers are asked on' },
  { text: 'arrows, PgUp, PgDn, Home, End   scroll' },
  { text: 'q, Ctrl-C       quit' },
  { text: '' },
  { text: 'IN/S and OUT/S are estimates, at least so many: see geartrain top --help' },
  { text: '' },
  { text: 'any key goes back', style: 'faint' },
]
