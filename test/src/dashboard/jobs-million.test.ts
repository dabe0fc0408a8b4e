import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { NewJob } from '@geartrain/server'
import { fillStore, job } from '../cli/store-file.ts'
import { Stage, skip } from './stage.ts'

// The page of jobs with a million of them queued on disk, of twenty functions. How quick it is, is told and not asserted.

const jobCount = 1_000_000
const functionCount = 20
const ofEach = jobCount / functionCount

function* million(): Generator<NewJob> {
  for (let i = 0; i < jobCount; i++) yield job({ function: `f${i % functionCount}` })
}

const directory = mkdtempSync(join(tmpdir(), 'geartrain-million-'))
let stage: Stage

describe('a million jobs', { skip }, () => {
  before(async () => {
    const path = join(directory, 'jobs.db')
    await fillStore(path, million())
    stage = await Stage.open({ store: `sqlite:${path}` })
  })

  after(async () => {
    await stage[Symbol.asyncDispose]()
    rmSync(directory, { recursive: true })
  })

  it('are listed a page at a time, and counted', async (t) => {
    for (const path of [
      'jobs?limit=50',
      'jobs?limit=50&order=newest',
      'jobs?limit=50&state=ready',
      'jobs?limit=50&function=f3',
      'jobs/counts',
      'jobs/counts?function=f3',
    ]) {
      const start = performance.now()
      const answer = await fetch(`${stage.origin}/api/${path}`)
      const body: unknown = await answer.json()
      t.diagnostic(`/api/${path}: ${(performance.now() - start).toFixed(1)} ms`)
      assert.equal(answer.status, 200)
      if (path.startsWith('jobs?')) assert.deepEqual(sizeOf(body), { jobs: 50, hasNext: true })
      else assert.deepEqual(readyOf(body), { count: path.includes('f3') ? ofEach : jobCount, isExact: true })
    }
  })

  it('are a page like any other', async () => {
    const page = await stage.page('jobs')
    const rows = page.getByRole('table', { name: 'Jobs' }).locator('[data-row]')
    await page.getByText('All 1,000,000 that match', { exact: true }).waitFor()
    await rows.nth(49).waitFor()
    const first = await rows.first().innerText()
    await page.getByRole('button', { name: 'Next' }).click()
    await page.waitForURL(/after=\d+/)
    await rows.nth(49).waitFor()
    assert.notEqual(await rows.first().innerText(), first)
    await page.context().close()
  })

  it('are looked through bit by bit where few fit', async () => {
    const page = await stage.page('jobs?q=error:~nothing')
    await page.getByText('Looking further …').waitFor()
    const further = page.getByRole('button', { name: 'Look further' })
    await further.or(page.getByText('No job is like that')).waitFor()
    if (await further.isVisible()) {
      await further.click()
      await page.waitForURL(/after=\d+/)
    }
    await page.context().close()
  })

  it('are changed once, and it shows that it works', async () => {
    const page = await stage.page('jobs?q=function:f3')
    const start = page.getByRole('button', { name: 'Cancel …' })
    await page.getByText('All 50,000 that match', { exact: true }).waitFor()
    let requestCount = 0
    page.on('request', (request) => {
      if (request.url().endsWith('/api/jobs/bulk')) requestCount++
    })
    // Twice before anything is drawn.
    await start.evaluate((button: { click(): void }) => {
      button.click()
      button.click()
    })
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel 50,000 jobs' }).click()
    const busy = page.getByText('Cancelling 50,000 jobs …')
    await busy.waitFor()
    assert.equal(await start.getAttribute('aria-disabled'), 'true')
    // It goes on while another page is shown, where there is none to begin either.
    await page.getByRole('link', { name: 'Workers' }).click()
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Jobs' }).click()
    await page.getByText('Cancelled: 50,000 jobs.').waitFor({ timeout: 90_000 })
    await page.getByText('All 950,000 that match', { exact: true }).waitFor()
    assert.equal(requestCount, 2, 'one that counts, and one that changes')
    await page.context().close()
  })
})

function sizeOf(body: unknown): object {
  assert.ok(typeof body === 'object' && body !== null && 'jobs' in body && Array.isArray(body.jobs))
  return { jobs: body.jobs.length, hasNext: 'next' in body }
}

function readyOf(body: unknown): unknown {
  assert.ok(typeof body === 'object' && body !== null && 'states' in body)
  const { states } = body
  assert.ok(typeof states === 'object' && states !== null && 'ready' in states)
  return states.ready
}
