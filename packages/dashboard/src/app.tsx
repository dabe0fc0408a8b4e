import type { JSX } from 'preact'
import { useEffect, useLayoutEffect, useState } from 'preact/hooks'
import { Redirect, Route, Router, Switch, useLocation, useSearch } from 'wouter-preact'
import { useSearch as useAddressSearch } from 'wouter-preact/use-browser-location'
import { KeyHelp } from './keys/key-help.tsx'
import { listenToKeys } from './keys/keys.ts'
import { Layout } from './layout.tsx'
import { pages } from './links.ts'
import { startLive, togglePause } from './live/live.ts'
import { NotFoundPage } from './pages/not-found.tsx'
import { Confirmation } from './parts/confirm.tsx'
import { Failure, Loading } from './parts/notice.tsx'
import { Toasts } from './parts/toast.tsx'
import { pageTable } from './routes.ts'
import { about, loadSession, may, session } from './session/session.ts'
import { SignIn } from './session/sign-in.tsx'

/** The prefix under which a proxy shows the server: all but the last segment of where the page is. */
const base = location.pathname.replace(/\/[^/]*$/, '')

export function App(): JSX.Element {
  const [error, setError] = useState<Error>()
  const load = () => {
    setError(undefined)
    loadSession().catch(setError)
  }
  useEffect(load, [])
  if (session.value === undefined || about.value === undefined) {
    return <main class="boot">{error === undefined ? <Loading /> : <Failure error={error} onRetry={load} />}</main>
  }
  return (
    <>
      {may('view') ? (
        <Router base={base} searchHook={useEncodedSearch}>
          <Pages isMonitor={about.value.kind === 'monitor'} />
        </Router>
      ) : (
        <SignIn />
      )}
      <Confirmation />
      <Toasts />
    </>
  )
}

/** The router decodes a query before it is read as one: `a%20b`, encoded once, would be `a b`. */
function useEncodedSearch(): string {
  return useAddressSearch().replaceAll('%', '%25')
}

const places = {
  o: pages.overview,
  f: pages.functions,
  j: pages.jobs,
  w: pages.workers,
  s: pages.schedules,
  d: pages.failures,
  h: pages.servers,
}

function Pages({ isMonitor }: { readonly isMonitor: boolean }): JSX.Element {
  const [place, goTo] = useLocation()
  // A monitor has no jobs of its own, and tells nothing live.
  useEffect(() => (isMonitor ? undefined : startLive()), [isMonitor])
  useEffect(() => listenToKeys({ places: isMonitor ? {} : places, goTo, togglePause }), [isMonitor, goTo])
  // Before anybody sees it: a key that is pressed at once goes on from there.
  useLayoutEffect(() => {
    scrollTo(0, 0)
    // Who can't see that the page is another one hears its heading.
    document.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true })
  }, [place])
  return (
    <Layout isMonitor={isMonitor} place={place}>
      <Switch>
        {pageTable
          .filter(({ isForMonitor }) => !isMonitor || isForMonitor === true)
          .map(({ path, component: Component }) => (
            <Route key={path} path={path}>
              <Component />
            </Route>
          ))}
        {isMonitor ? (
          <Route path={pages.overview}>
            <ToServers />
          </Route>
        ) : null}
        <Route>
          <NotFoundPage />
        </Route>
      </Switch>
      <KeyHelp />
    </Layout>
  )
}

/** With what the address says of them. */
function ToServers(): JSX.Element {
  const query = useSearch()
  return <Redirect to={query === '' ? pages.servers : `${pages.servers}?${query}`} replace={true} />
}
