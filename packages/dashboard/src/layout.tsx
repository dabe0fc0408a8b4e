import type { ComponentChildren, JSX } from 'preact'
import { Link } from 'wouter-preact'
import { isHelpOpen } from './keys/keys.ts'
import { pages } from './links.ts'
import { type LiveStatus, live, togglePause } from './live/live.ts'
import { monitorStatus } from './live/monitor-status.ts'
import { act } from './parts/action-button.tsx'
import { Icon, type IconName } from './parts/icon.tsx'
import { session, signOut } from './session/session.ts'

interface NavRow {
  readonly to: string
  readonly text: string
  readonly icon: IconName
  /** Pages that lie below it. */
  readonly below?: string
}

const nav: readonly NavRow[] = [
  { to: pages.overview, text: 'Overview', icon: 'overview' },
  { to: pages.functions, text: 'Functions', icon: 'functions', below: pages.function },
  { to: pages.jobs, text: 'Jobs', icon: 'jobs', below: pages.job },
  { to: pages.workers, text: 'Workers', icon: 'workers' },
  { to: pages.schedules, text: 'Schedules', icon: 'schedules', below: pages.schedule },
  { to: pages.failures, text: 'Failures', icon: 'failures' },
  { to: pages.servers, text: 'Servers', icon: 'servers' },
]

/** The frame around all pages: where one can go, and whether what is shown still holds. */
export function Layout(props: {
  readonly isMonitor: boolean
  readonly place: string
  readonly children: ComponentChildren
}): JSX.Element {
  const { isMonitor, place } = props
  return (
    <div class="layout">
      <a class="skip-link" href="#content">
        Skip to the content
      </a>
      <nav class="nav" aria-label="Pages">
        <Link href={isMonitor ? pages.servers : pages.overview} class="brand">
          <BrandMark />
          <span>Geartrain{isMonitor ? <small> monitor</small> : null}</span>
        </Link>
        {isMonitor ? null : (
          <ul>
            {nav.map(({ to, text, icon, below }) => (
              <li key={to}>
                <Link href={to} aria-current={place === to || place === below ? 'page' : undefined} title={text}>
                  <Icon name={icon} />
                  <span>{text}</span>
                  {to === pages.overview && live.findings.value.length > 0 ? <FindingCount /> : null}
                </Link>
              </li>
            ))}
          </ul>
        )}
        <div class="nav-foot">
          <LiveState status={isMonitor ? monitorStatus.value : live.status.value} />
          <button
            type="button"
            class="button icon-button keys-button"
            aria-label="Keys"
            title="Keys (?)"
            onClick={() => {
              isHelpOpen.value = true
            }}
          >
            <Icon name="keyboard" />
          </button>
          <SignedIn />
        </div>
      </nav>
      <main id="content" class="content">
        {live.status.value === 'lost' && !isMonitor ? (
          <p class="banner tone-bad connection-lost" role="alert">
            The server does not answer. What is shown was so a while ago; it is tried again by itself.
          </p>
        ) : null}
        {props.children}
      </main>
    </div>
  )
}

function FindingCount(): JSX.Element {
  const { value } = live.findings
  const isCritical = value.some(({ severity }) => severity === 'critical')
  return (
    <span class={`count tone-${isCritical ? 'bad' : 'warn'}`}>
      {value.length}
      <span class="visually-hidden"> {value.length === 1 ? 'thing is wrong' : 'things are wrong'}</span>
    </span>
  )
}

const liveTexts = { connecting: 'Connecting', live: 'Live', paused: 'Paused', lost: 'No answer' } as const

function LiveState({ status }: { readonly status: LiveStatus }): JSX.Element {
  const isPaused = live.isPaused.value
  return (
    <div class="live">
      <span class={`live-dot is-${status}`} aria-hidden="true" />
      <span role="status">{liveTexts[status]}</span>
      <button
        type="button"
        class="button icon-button"
        aria-pressed={isPaused}
        aria-label="Pause"
        title={isPaused ? 'Go on (p)' : 'Pause (p)'}
        onClick={togglePause}
      >
        <Icon name={isPaused ? 'play' : 'pause'} />
      </button>
    </div>
  )
}

function SignedIn(): JSX.Element | null {
  const { value } = session
  if (value?.expiresAt === undefined) return null
  const leave = () =>
    act(async () => {
      await signOut()
      return undefined
    })
  return (
    <button type="button" class="button sign-out" onClick={() => void leave()} title={`Signed in as ${value.name}`}>
      Sign out
    </button>
  )
}

function BrandMark(): JSX.Element {
  return (
    <svg class="brand-mark" viewBox="0 0 32 32" aria-hidden="true">
      <circle cx="12" cy="12" r="6" />
      <circle cx="22.5" cy="22.5" r="4.5" />
      <path d="M12 2v4M12 18v4M2 12h4M18 12h3M5 5l2.8 2.8M16.2 7.8 19 5M5 19l2.8-2.8" />
    </svg>
  )
}
