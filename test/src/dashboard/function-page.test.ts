import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { FunctionPolicy, FunctionState } from '@geartrain/protocol'
import type { Page } from 'playwright-core'
import { rules, tokenOf } from '../access/parts.ts'
import { Stage, skip, violations } from './stage.ts'

const all = { token: 'token-of-all' }
const headers = { authorization: 'Bearer token-of-all' }
const hostile = '<script>alert(1)</script> "it\'s" & größe/🐘'

describe('the page of a function', { skip }, () => {
  let stage: Stage
  before(async () => {
    stage = await Stage.open({ store: 'memory', access: rules })
  })
  after(() => stage[Symbol.asyncDispose]())

  async function submit(name: string, workload = '', query: Readonly<Record<string, string>> = {}): Promise<string> {
    const path = `functions/${encodeURIComponent(name)}/jobs?${new URLSearchParams(query).toString()}`
    const answer = await fetch(`${stage.origin}/api/${path}`, { method: 'POST', headers, body: workload })
    assert.equal(answer.status, 202)
    return ((await answer.json()) as { handle: string }).handle
  }

  async function stateOf(name: string): Promise<FunctionPolicy & { readonly state: FunctionState | null }> {
    const answer = await fetch(`${stage.origin}/api/functions/${encodeURIComponent(name)}`, { headers })
    return (await answer.json()) as FunctionPolicy & { readonly state: FunctionState | null }
  }

  async function settingOf(name: string, key: string): Promise<string> {
    const setting = (await stateOf(name)).settings.find((each) => each.key === key)
    return `${setting?.value} (${setting?.source})`
  }

  async function set(name: string, values: object): Promise<void> {
    const answer = await fetch(`${stage.origin}/api/functions/${encodeURIComponent(name)}`, {
      method: 'PATCH',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ values }),
    })
    assert.equal(answer.status, 200, await answer.text())
  }

  const open = (name: string, look = {}) =>
    stage.page(`function?${new URLSearchParams({ name }).toString()}`, { ...all, ...look })

  test('shows its figures as they change, and the jobs whose turn is next', async () => {
    const last = await submit('resize', '', { priority: 'low' })
    const first = await submit('resize', '', { priority: 'high', unique: 'image:1' })
    const page = await open('resize')
    await page
      .getByRole('heading', { level: 1, name: /^resize/ })
      .getByText('no worker')
      .waitFor()
    await figure(page, /^Ready 2 1 high, 0 normal, 1 low$/)
    const rows = page.getByRole('table', { name: 'Next jobs' }).getByRole('row')
    await rows.nth(2).waitFor()
    assert.ok((await rows.nth(1).textContent())?.startsWith(first))
    assert.ok((await rows.nth(2).textContent())?.startsWith(last))
    await submit('resize')
    await figure(page, /^Ready 3 1 high, 1 normal, 1 low$/)
    await page.getByText('No worker can do it now').waitFor()
    await page.getByText(`geartrain work -s ${stage.address} resize -- cat`).waitFor()
    await page.getByRole('link', { name: 'All 3' }).click()
    await page.waitForURL(/\/jobs\?q=function%3Aresize\+state%3Aready$/)
    await page.close()
  })

  test('is paused, resumed, drained and undrained', async () => {
    const page = await open('resize')
    const heading = page.getByRole('heading', { level: 1 })
    for (const [word, badge, back] of [
      ['Pause', 'paused', 'Resume'],
      ['Drain', 'draining', 'Undrain'],
    ] as const) {
      await page.getByRole('button', { name: word, exact: true }).last().click()
      await heading.getByText(badge).waitFor()
      assert.equal((await stateOf('resize')).state?.[badge], true)
      await page.getByRole('button', { name: back, exact: true }).first().click()
      await heading.getByText(badge).waitFor({ state: 'detached' })
      assert.equal((await stateOf('resize')).state?.[badge], false)
    }
    await page.close()
  })

  test('says what is wrong with it now', async () => {
    await set('resize', { paused: true })
    const page = await open('resize')
    const finding = page.getByRole('listitem').filter({ hasText: 'resize is paused, and 3 jobs wait' })
    await finding.getByText('geartrain function resume resize').waitFor()
    await set('resize', { paused: null })
    await finding.waitFor({ state: 'detached' })
    await page.close()
  })

  test('is purged, when that is meant', async () => {
    await submit('resize', '', { delay: '1h' })
    const page = await open('resize')
    await page.getByRole('button', { name: 'Purge' }).click()
    await page.getByRole('dialog').getByText('3 ready, 1 delayed').waitFor()
    await page.getByRole('button', { name: 'Leave it' }).click()
    assert.equal((await stateOf('resize')).state?.delayed, 1)
    await page.getByRole('button', { name: 'Purge' }).click()
    await page.getByRole('button', { name: 'Purge 4 jobs' }).click()
    await page.getByText('4 jobs of resize have ended.').waitFor()
    await figure(page, /^Ready 0/)
    await page.getByText('No job waits.').waitFor()
    await page.getByRole('button', { name: 'Purge' }).click()
    await page.getByText('No job of resize waits.').waitFor()
    await page.close()
  })

  test('shows its workers and what they do, and its errors, which are tried again', async () => {
    await set('mail.send', { attempts: 1 })
    let isMended = false
    const worker = stage.worker({ ...all, clientId: 'mailer-1', concurrency: 2, onError() {} })
    worker.handle('mail.send', async ({ workload, signal }) => {
      if (String(Buffer.from(workload)) === 'long') {
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
      } else if (!isMended) throw new Error(`mailbox ${workload.length} is full`)
      return ''
    })
    await worker.start()
    const running = await submit('mail.send', 'long')
    for (const workload of ['a', 'bb', 'ccc']) await submit('mail.send', workload)
    const page = await open('mail.send')
    await page
      .getByRole('table', { name: 'Workers that can do it' })
      .getByRole('row', { name: /^mailer-1.*busy/ })
      .waitFor()
    await page.getByRole('table', { name: 'Running jobs' }).getByRole('link', { name: running }).waitFor()
    const group = page.getByRole('row', { name: /^mailbox # is full/ })
    await group.getByRole('link', { name: 'Show 3 jobs' }).waitFor()
    isMended = true
    await group.getByRole('button', { name: 'Retry' }).click()
    await page.getByRole('button', { name: 'Retry 3 jobs' }).click()
    await page.getByText('No job is dead.').waitFor()
    await figure(page, /^Dead 0/)
    assert.equal((await stateOf('mail.send')).state?.dead, 0)
    await page.close()
  })

  test('tells every setting and where it comes from, or only what is set', async () => {
    await set('mail.*', { timeout: '5m' })
    const page = await open('mail.send')
    const settings = page.getByRole('table', { name: 'Settings of the policy' })
    await settings.getByRole('row', { name: 'attempts 1 set for mail.send (default: off)' }).waitFor()
    await settings.getByRole('row', { name: 'timeout 5m set for mail.* (default: 0)' }).waitFor()
    await settings.getByRole('row', { name: 'backoff exponential default' }).waitFor()
    await page.getByRole('checkbox', { name: 'Only what is set' }).check()
    await settings.getByRole('row', { name: 'backoff exponential default' }).waitFor({ state: 'detached' })
    await settings.getByRole('row', { name: /^timeout/ }).waitFor()
    // What others set is shown as well.
    await set('mail.send', { ttl: '1h' })
    await settings.getByRole('row', { name: 'ttl 1h set for mail.send (default: 0)' }).waitFor()
    await set('mail.send', { ttl: null })
    await page.close()
  })

  test('its policy is changed after a look at what would be different', async () => {
    const page = await open('mail.send')
    await page.getByRole('button', { name: 'Edit' }).click()
    const save = page.getByRole('button', { name: 'Save' })
    const changes = page.getByRole('list', { name: 'What changes' })
    const field = (key: string) => page.getByLabel(key, { exact: true })
    assert.equal(await save.isDisabled(), true)
    await field('rate').fill('7/s')
    await changes.getByText('rate: unlimited → 7 (set for mail.send)').waitFor()
    await changes.getByText('rate-burst: 1 → 7 (default)').waitFor()
    await field('backoff').selectOption('fixed')
    await changes.getByText('backoff: exponential → fixed (set for mail.send)').waitFor()
    assert.equal(await settingOf('mail.send', 'rate'), 'unlimited (default)')

    await field('timeout').fill('soon')
    await page.getByText('timeout must be a time with its unit').waitFor()
    assert.equal(await field('timeout').getAttribute('aria-invalid'), 'true')
    assert.equal(await field('rate').getAttribute('aria-invalid'), 'false')
    assert.equal(await save.isDisabled(), true)
    stage.forgiveFaults(/400 \(Bad Request\)/)

    await field('timeout').fill('90s')
    await changes.getByText('timeout: 5m → 90s (set for mail.send)').waitFor()
    await save.click()
    await page.getByText('Saved 3 settings of mail.send.').waitFor()
    await page.getByRole('row', { name: 'timeout 90s set for mail.send (default: 0)' }).waitFor()
    assert.equal(await settingOf('mail.send', 'rate'), '7 (set for mail.send)')
    assert.equal(await settingOf('mail.send', 'backoff'), 'fixed (set for mail.send)')
    await page.close()
  })

  test('what is set is set back', async () => {
    const page = await open('mail.send')
    await page.getByRole('button', { name: 'Edit' }).click()
    assert.equal(await page.getByRole('button', { name: 'Set back ttl' }).count(), 0)
    await page.getByRole('button', { name: 'Set back timeout' }).click()
    await page.getByText('timeout: 90s → 5m (set for mail.*)').waitFor()
    await page.getByRole('button', { name: 'Set back rate' }).click()
    await page.getByText('rate: 7 → unlimited (default)').waitFor()
    await page.getByRole('button', { name: 'Set back rate' }).click()
    await page.getByText('rate: 7 → unlimited (default)').waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('row', { name: 'timeout 5m set for mail.* (default: 0)' }).waitFor()
    assert.equal(await settingOf('mail.send', 'timeout'), '5m (set for mail.*)')
    assert.equal(await settingOf('mail.send', 'rate'), '7 (set for mail.send)')
    await page.close()
  })

  test('a pattern has a page, where all that fit are paused and their policy is set', async () => {
    const page = await open('mail.send')
    await page.getByRole('link', { name: 'mail.*', exact: true }).click()
    await page.getByRole('heading', { level: 1, name: 'mail.*' }).waitFor()
    await page.getByRole('table', { name: 'Functions that fit' }).getByRole('link', { name: 'mail.send' }).waitFor()
    await page.getByRole('button', { name: 'Pause', exact: true }).last().click()
    await page.getByRole('heading', { level: 1 }).getByText('paused').waitFor()
    assert.equal((await stateOf('mail.send')).state?.paused, true)
    await page.getByRole('button', { name: 'Resume', exact: true }).first().click()
    await page.getByRole('heading', { level: 1 }).getByText('paused').waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Edit' }).click()
    await page.getByLabel('keep-results', { exact: true }).fill('1h')
    await page.getByText('keep-results: 0 → 1h (set for mail.*)').waitFor()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('row', { name: 'keep-results 1h set for mail.* (default: 0)' }).waitFor()
    assert.equal(await settingOf('mail.send', 'keep-results'), '1h (set for mail.*)')
    await page.close()
  })

  test('a job is submitted, and waited for', async () => {
    const worker = stage.worker(all).handle('reverse', ({ workload }) => Buffer.from(workload).reverse())
    await worker.start()
    const page = await open('reverse')
    await page.getByRole('button', { name: 'Submit a job' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Workload').fill('größe')
    await dialog.getByLabel('In the background').uncheck()
    await dialog.getByRole('button', { name: 'Submit', exact: true }).click()
    await dialog.getByRole('region', { name: 'Result' }).waitFor()
    await dialog.getByText('Done. Its result, 7 B').waitFor()

    await set('reverse', { paused: true })
    await dialog.getByLabel('In the background').check()
    await dialog.getByLabel('Unique').fill('one')
    await dialog.getByLabel('Priority').selectOption('high')
    await dialog.getByRole('button', { name: 'Submit', exact: true }).click()
    const handle = (await dialog.getByRole('link').textContent()) ?? ''
    const answer = await fetch(`${stage.origin}/api/jobs/${handle}`, { headers })
    const { function: name, unique, priority, workload } = (await answer.json()) as Record<string, unknown>
    assert.deepEqual([name, unique, priority, workload], ['reverse', 'one', 'high', { text: 'größe' }])

    await set('reverse', { draining: true })
    await dialog.getByLabel('Unique').fill('two')
    await dialog.getByRole('button', { name: 'Submit', exact: true }).click()
    await dialog
      .getByRole('alert')
      .filter({ hasText: /no new jobs|drain/i })
      .waitFor()
    stage.forgiveFaults(/503 \(Service Unavailable\)/)

    await dialog.getByLabel('Unique').fill('one')
    await dialog.getByRole('button', { name: 'Close' }).last().click()
    await page.getByRole('table', { name: 'Next jobs' }).getByRole('link', { name: handle }).click()
    await page.waitForURL(/\/job\?/)
    await page.close()
  })

  test('one that nobody knows is said to be so, and can have a policy already', async () => {
    const page = await open('nobody knows')
    await page.getByText('Nobody has used this function yet').waitFor()
    await page.getByText(`geartrain work -s ${stage.address} 'nobody knows' -- cat`).waitFor()
    await page.getByRole('row', { name: 'attempts off default' }).waitFor()
    await submit('nobody knows')
    await figure(page, /^Ready 1/)
    await page.close()
  })

  test('any name is shown as it is; one that can have no policy has none', async () => {
    const page = await open(hostile)
    await page.getByText('Nobody has used this function yet').waitFor()
    await submit(hostile, '<img src=x onerror=alert(1)>', { unique: '"><b>' })
    await page.getByRole('heading', { level: 1, name: hostile }).waitFor()
    await page.getByRole('cell', { name: '"><b>' }).waitFor()
    await page.goto(
      `${stage.origin}/function?${new URLSearchParams({ name: 'x'.repeat(60_000).slice(0, 7000) }).toString()}`,
    )
    await page.getByText('a function name has at most 512 bytes').waitFor()
    stage.forgiveFaults(/400 \(Bad Request\)/)
    await page.goto(`${stage.origin}/function`)
    await page.getByText('The address names no function').waitFor()
    await page.close()
  })

  test('who may only view finds nothing to press, and who operates no policy to edit', async () => {
    const viewer = await open('mail.send', { token: tokenOf('view') })
    await viewer.getByRole('row', { name: /^timeout 5m/ }).waitFor()
    const pressed = ['Submit a job', 'Pause', 'Drain', 'Purge', 'Edit', 'Retry', 'Delete', 'Disconnect']
    const buttons = async (page: Page) => {
      const names = await page.getByRole('main').getByRole('button').allTextContents()
      return pressed.filter((name) => names.includes(name))
    }
    assert.deepEqual(await buttons(viewer), [])
    await viewer.close()
    const operator = await open('mail.send', { token: tokenOf('operate') })
    await operator.getByRole('row', { name: /^timeout 5m/ }).waitFor()
    assert.deepEqual(await buttons(operator), ['Submit a job', 'Pause', 'Drain', 'Purge'])
    await operator.close()
    const other = await open('resize', { token: tokenOf('view') })
    await other.getByText('Nobody has used this function yet, or you may not see it').waitFor()
    await other.getByRole('alert').first().waitFor()
    assert.equal(await other.getByRole('heading', { level: 1 }).textContent(), 'resize')
    stage.forgiveFaults(/403 \(Forbidden\)/)
    await other.close()
  })

  for (const theme of ['light', 'dark'] as const) {
    test(`axe finds nothing, ${theme}; a phone shows all of it`, async () => {
      const page = await open('mail.send', { theme, width: 400 })
      await page.getByRole('row', { name: /^timeout 5m/ }).waitFor()
      assert.deepEqual(await violations(page), [])
      await page.getByRole('button', { name: 'Edit' }).click()
      await page.getByLabel('rate', { exact: true }).fill('x')
      await page.getByText('rate must be').waitFor()
      stage.forgiveFaults(/400 \(Bad Request\)/)
      assert.deepEqual(await violations(page), [])
      assert.equal(await page.evaluate('document.documentElement.scrollWidth > innerWidth'), false)
      await page.getByRole('button', { name: 'Submit a job' }).click()
      await page.getByRole('dialog').waitFor()
      assert.deepEqual(await violations(page), [])
      await page.close()
    })
  }
})

/** By its label, value and note. */
async function figure(page: Page, text: RegExp): Promise<void> {
  await page.getByRole('link', { name: text }).waitFor()
}
