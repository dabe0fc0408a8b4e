import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { Page } from '../parts/page.tsx'
import { signIn } from './session.ts'

/** Shown to whom the rules of access let in nowhere. */
export function SignIn(): JSX.Element {
  const [token, setToken] = useState('')
  const [problem, setProblem] = useState('')
  const [isBusy, setBusy] = useState(false)
  const submit = async (event: Event) => {
    event.preventDefault()
    setBusy(true)
    try {
      await signIn(token.trim())
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error))
      setBusy(false)
    }
  }
  return (
    <main class="sign-in">
      <Page title="Sign in">
        <p class="muted">This server has rules of access. Show a token that they know.</p>
        <form onSubmit={(event) => void submit(event)}>
          <label>
            Token
            <input
              type="password"
              autocomplete="current-password"
              required
              value={token}
              onInput={({ currentTarget }) => setToken(currentTarget.value)}
              aria-describedby="sign-in-problem"
            />
          </label>
          <p id="sign-in-problem" class="problem" role="alert">
            {problem}
          </p>
          <button type="submit" class="button primary" disabled={isBusy}>
            Sign in
          </button>
        </form>
        <p class="muted">
          Tokens are made with <code>geartrain token</code>, and let in by a table <code>[access.NAME]</code> of the
          configuration.
        </p>
      </Page>
    </main>
  )
}
