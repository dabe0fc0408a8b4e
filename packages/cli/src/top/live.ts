import { formatServer, type ServerAddress } from '@geartrain/client'
import { bold, dim, red } from '../colours.ts'
import { History } from './history.ts'
import { pageRows, render, type Style } from './render.ts'
import { Screen } from './screen.ts'
import { ServerWatch } from './server-watch.ts'
import { type Key, press, type TopState } from './state.ts'

const stopSignals = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const

const style: Style = { strong: bold, faint: dim, bad: red }

/** Shows the servers on the terminal until the user or a signal ends it; resolves with the exit code. */
export async function showLive(servers: readonly ServerAddress[], initial: TopState): Promise<number> {
  let state = initial
  let timer: NodeJS.Timeout | undefined
  let finish: (exitCode: number) => void = () => {}
  const ended = new Promise<number>((resolve) => {
    finish = resolve
  })
  const draw = () => screen.draw(render(state, screen.columns, screen.rows, style))
  const takeFrame = () => {
    clearTimeout(timer)
    timer = setTimeout(takeFrame, state.intervalMs)
    // Also while it is paused, or the rates after it would be those of all the time.
    const frame = history.frame(performance.now(), Date.now())
    if (state.isPaused) return
    state = { ...state, frame }
    draw()
  }
  const onKey = (key: Key) => {
    const next = press(state, key, pageRows(state, screen.rows))
    if (next === 'quit') return finish(0)
    const isOther = next.intervalMs !== state.intervalMs
    state = next
    if (isOther && timer !== undefined) takeFrame()
    draw()
  }
  const history = new History(servers.map(formatServer))
  using screen = new Screen(process.stdout, process.stdin, { onKey, onChange: draw, onGone: () => finish(1) })
  draw()
  const wishes = () => ({ intervalMs: state.intervalMs, isJobs: state.view === 'jobs' })
  const watches = servers.map(
    (address) =>
      new ServerWatch(address, wishes, (server, look) => {
        history.take(server, look, performance.now())
        // As soon as there is something to be seen, also of what was not asked for before.
        const isAwaited = state.view === 'jobs' && state.frame?.jobs === undefined && 'jobs' in look
        if (timer === undefined ? history.isComplete : isAwaited && look.jobs !== undefined) takeFrame()
      }),
  )
  const onSignal = (signal: keyof typeof stopSignals) => finish(128 + stopSignals[signal])
  process.on('SIGHUP', onSignal).on('SIGINT', onSignal).on('SIGTERM', onSignal)
  const exitCode = await ended
  clearTimeout(timer)
  await Promise.all(watches.map((watch) => watch.close()))
  return exitCode
}
