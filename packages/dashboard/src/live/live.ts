import type {
  Finding,
  LiveChange,
  LiveCounters,
  LiveFlow,
  LiveFunction,
  LiveServer,
  LiveSnapshot,
} from '@geartrain/protocol'
import { computed, effect, type ReadonlySignal, signal } from '@preact/signals'
import { noticeSignedOut } from '../session/session.ts'

// The server as it is now: one stream of events for all that is shown.

export type LiveStatus = 'connecting' | 'live' | 'paused' | 'lost'

const status = signal<LiveStatus>('connecting')
const functions = signal<ReadonlyMap<string, LiveFunction>>(new Map())
const all = signal<LiveFlow | undefined>(undefined)
const server = signal<LiveServer | undefined>(undefined)
const findings = signal<readonly Finding[]>([])
const at = signal(0)
const isPausedByUser = signal(false)
const isHidden = signal(document.hidden)

/** What is shown, and whether it still holds. */
export const live: {
  readonly status: ReadonlySignal<LiveStatus>
  /** By name. */
  readonly functions: ReadonlySignal<ReadonlyMap<string, LiveFunction>>
  /** Undefined: not for those who may not view all functions. */
  readonly all: ReadonlySignal<LiveFlow | undefined>
  readonly server: ReadonlySignal<LiveServer | undefined>
  readonly findings: ReadonlySignal<readonly Finding[]>
  /** The server's time at the last event; 0: there was none. */
  readonly at: ReadonlySignal<number>
  /** There was one. */
  readonly isKnown: ReadonlySignal<boolean>
  readonly isPaused: ReadonlySignal<boolean>
} = { status, functions, all, server, findings, at, isKnown: computed(() => at.value > 0), isPaused: isPausedByUser }

document.addEventListener('visibilitychange', () => {
  isHidden.value = document.hidden
})

/** Somebody looks, and wants to see what changes. */
export const isWatching: ReadonlySignal<boolean> = computed(() => !isPausedByUser.value && !isHidden.value)

export function togglePause(): void {
  isPausedByUser.value = !isPausedByUser.value
}

const changeListeners = new Set<(change: LiveChange) => void>()
const reconnectListeners = new Set<() => void>()

/** Gives the way to leave. */
export function onChange(listener: (change: LiveChange) => void): () => void {
  changeListeners.add(listener)
  return () => changeListeners.delete(listener)
}

/** After the server was away, or the page was paused. */
export function onReconnected(listener: () => void): () => void {
  reconnectListeners.add(listener)
  return () => reconnectListeners.delete(listener)
}

/** From the first refusal to the longest wait between two attempts. */
const retryMs = { first: 1000, max: 10_000 }

/** Listens while somebody watches. Gives the way to stop for good. */
export function startLive(): () => void {
  return effect(() => {
    if (isWatching.value) return listen()
    status.value = 'paused'
    return undefined
  })
}

/** Connects, again and again, until it is stopped. */
function listen(): () => void {
  let source: EventSource | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let waitMs = retryMs.first
  const isFirst = at.peek() === 0
  let isAgain = !isFirst

  const open = () => {
    const opened = new EventSource('api/events')
    source = opened
    let isHeard = false
    opened.addEventListener('snapshot', ({ data }: MessageEvent<string>) => {
      isHeard = true
      waitMs = retryMs.first
      takeSnapshot(JSON.parse(data) as LiveSnapshot)
      status.value = 'live'
      if (isAgain) for (const listener of reconnectListeners) listener()
      isAgain = true
    })
    opened.addEventListener('counters', ({ data }: MessageEvent<string>) => {
      takeCounters(JSON.parse(data) as LiveCounters)
    })
    opened.addEventListener('change', ({ data }: MessageEvent<string>) => {
      for (const listener of changeListeners) listener(JSON.parse(data) as LiveChange)
    })
    opened.addEventListener('error', () => {
      // What ends is often the session alone, or what a proxy lets last: the server is away if it does not come back.
      noticeSignedOut()
      status.value = isHeard || at.peek() === 0 ? 'connecting' : 'lost'
      // The browser itself tries again only after some failures; always in the same way is easier to foresee.
      opened.close()
      timer = setTimeout(open, waitMs)
      waitMs = Math.min(waitMs * 2, retryMs.max)
    })
  }

  status.value = isFirst ? 'connecting' : status.peek() === 'paused' ? 'live' : status.peek()
  open()
  return () => {
    source?.close()
    clearTimeout(timer)
  }
}

function takeSnapshot(snapshot: LiveSnapshot): void {
  functions.value = new Map(snapshot.functions.map((each) => [each.name, each]))
  findings.value = snapshot.findings
  takeServer(snapshot)
}

function takeCounters(counters: LiveCounters): void {
  const { functions: changed, gone = [], findings: found } = counters
  if (changed.length > 0 || gone.length > 0) {
    const next = new Map(functions.peek())
    for (const each of changed) next.set(each.name, each)
    for (const name of gone) next.delete(name)
    functions.value = next
  }
  if (found !== undefined) findings.value = found
  takeServer(counters)
}

function takeServer({ at: now, all: flow, server: state }: LiveCounters): void {
  all.value = flow
  server.value = state
  at.value = now
}
