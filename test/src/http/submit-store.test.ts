import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { LocalServer } from '../server/local-server.ts'
import { FakeStore } from '../support/fake-store.ts'
import { until } from '../support/until.ts'
import { originOf, startLocal } from './local-http.ts'

// Background jobs over HTTP share one connection: each is to have its own answer, whatever the store does meanwhile.

interface Outcome {
  readonly status: number
  readonly handle?: string
  readonly code?: string
}

async function submit(local: LocalServer, name: string, query = '', body = 'x'): Promise<Outcome> {
  const answer = await fetch(`${originOf(local)}/api/functions/${name}/jobs${query}`, { method: 'POST', body })
  const { handle, code } = (await answer.json()) as Omit<Outcome, 'status'>
  return { status: answer.status, ...(handle === undefined ? {} : { handle }), ...(code === undefined ? {} : { code }) }
}

test('the answer comes when the store has the job, and not before', async () => {
  const store = new FakeStore()
  await using local = await startLocal({ store })
  store.isAuto = false
  let isAnswered = false
  const answer = submit(local, 'f').then((outcome) => {
    isAnswered = true
    return outcome
  })
  await until('the store was asked', () => store.isBusy)
  // A round trip of others, by the same way.
  await fetch(`${originOf(local)}/api/openapi.json`)
  assert.equal(isAnswered, false)
  store.isAuto = true
  store.finish()
  assert.equal((await answer).status, 202)
})

test('what a store that fails does not keep is refused, and what comes later is taken', async () => {
  const store = new FakeStore()
  await using local = await startLocal({
    store,
    functions: { full: { 'max-queue': '1' }, drained: { draining: 'true' } },
  })
  assert.equal((await submit(local, 'full')).status, 202)
  store.isAuto = false
  const first = submit(local, 'a')
  await until('the store was asked', () => store.isBusy)
  // These wait for the next batch, but for those that are refused at once; their answers come in order all the same.
  const others = Promise.all([
    submit(local, 'b'),
    submit(local, 'drained'),
    submit(local, 'c', '?attempts=3'),
    submit(local, 'd', '?attempts=none'),
    submit(local, 'full'),
    submit(local, 'e', '?unique=u'),
    submit(local, 'e', '?unique=u'),
  ])
  await until('all of them were there', () => (local.server.engine.findFunction('e')?.jobCount ?? 0) > 0)
  store.failNext('full')
  store.isAuto = true
  store.finish()
  assert.deepEqual(await first, { status: 503, code: 'STORE_FAILED' })
  const [b, drained, c, d, full, e, same] = await others
  assert.deepEqual(drained, { status: 503, code: 'FUNCTION_DRAINING' })
  assert.deepEqual(d, { status: 400, code: 'BAD_REQUEST' })
  assert.deepEqual(full, { status: 429, code: 'QUEUE_FULL' })
  assert.equal(e.handle, same.handle)
  const handles = [b, c, e].map(({ handle }) => handle ?? '')
  assert.equal(new Set(handles).size, 3)
  for (const [index, name] of ['b', 'c', 'e'].entries()) {
    const shown = await fetch(`${originOf(local)}/api/jobs/${handles[index]}`)
    assert.equal(((await shown.json()) as { function?: string }).function, name)
  }
})

test('with a real store many at once get each its own answer', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'geartrain-http-'))
  context.after(() => rmSync(directory, { recursive: true, force: true }))
  const store = `sqlite:${join(directory, 'jobs.db')}`
  await using local = await startLocal({ store, functions: { full: { 'max-queue': '1' } } })
  await submit(local, 'full')
  const outcomes = await Promise.all(
    Array.from({ length: 200 }, (_, index) => submit(local, index % 4 === 0 ? 'full' : `f${index}`)),
  )
  for (const [index, { status, handle }] of outcomes.entries()) {
    assert.equal(status, index % 4 === 0 ? 429 : 202)
    if (handle === undefined) continue
    const shown = (await (await fetch(`${originOf(local)}/api/jobs/${handle}`)).json()) as { function: string }
    assert.equal(shown.function, `f${index}`)
  }
})
