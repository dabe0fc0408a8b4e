import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { ControlOperations, JobDescription } from '@geartrain/protocol'
import type { Page } from 'playwright-core'
import { rules, tokenOf } from '../access/parts.ts'
import { Stage, skip, violations } from './stage.ts'

// The page of jobs in a browser, against a server with jobs in each state.

const hostile = `<img src=x onerror="alert(1)">"' \\ 😀 </script>`
const long = 'x'.repeat(512)

const directory = mkdtempSync(join(tmpdir(), 'geartrain-jobs-'))
let stage: Stage
/** Lets the worker's job end. */
let finish = () => {}

describe('the page of jobs', { skip }, () => {
  before(async () => {
    stage = await Stage.open({
      store: `sqlite:${join(directory, 'jobs.db')}`,
      handlePrefix: 'H:test',
      functions: {
        '*': { attempts: 1 },
        'mail.kept': { 'keep-results': '1h' },
        retried: { attempts: 2, 'backoff-first': '1h' },
      },
    })
    const { client } = stage
    const running = new Promise<void>((resolve) => {
      finish = resolve
    })
    const worker = stage.worker({ clientId: 'joe', concurrency: 4, onError() {} })
    worker.handle('slow', async (job) => {
      job.progress(45, 100)
      await running
    })
    worker.handle('mail.kept', () => 'ok')
    worker.handle('broken', () => {
      throw new Error('could not connect to 10.0.0.1\n    at connect (/app/smtp.js:3:5)')
    })
    await worker.start()
    await client.submitBackground('slow', '', { unique: 'report-7' })
    for (let i = 0; i < 3; i++) await client.submitBackground('broken', '')
    for (let i = 0; i < 2; i++) await client.submitBackground('mail.kept', '')
    for (let i = 0; i < 4; i++) await client.submitBackground('mail.later', '', { delayMs: 3_600_000 })
    for (let i = 0; i < 120; i++) await client.submitBackground('paged', '', { unique: `p-${i}` })
    await client.submitBackground(hostile, '', { unique: hostile.slice(0, 60) })
    await client.submitBackground(long, '', { priority: 'high' })
    await settled('state=dead', 3)
    await settled('state=complete', 2)
    await settled('state=running', 1)
  })

  after(async () => {
    finish()
    await stage[Symbol.asyncDispose]()
    rmSync(directory, { recursive: true })
  })

  it('shows how many there are in each state, and each job with what matters', async () => {
    const page = await stage.page('jobs')
    const states = page.getByRole('navigation', { name: 'States' })
    for (const [state, count] of [
      ['all live', '127'],
      ['ready', '122'],
      ['delayed', '4'],
      ['running', '1'],
      ['dead', '3'],
      ['complete', '2'],
      ['failed', '0'],
    ]) {
      await states.getByRole('link', { name: `${state} ${count}`, exact: true }).waitFor()
    }
    assert.equal(await rows(page).count(), 50)
    const slow = rows(page).filter({ hasText: 'report-7' })
    assert.match(await slow.innerText(), /slow[\s\S]*running[\s\S]*45 %[\s\S]*joe 127\.0\.0\.1/)
    assert.equal(await slow.getByRole('progressbar').getAttribute('value'), '45')

    await states.getByRole('link', { name: /^dead/ }).click()
    await page.waitForURL(/\?q=state%3Adead$/)
    const broken = rows(page).filter({ hasText: 'broken' }).first()
    await broken.waitFor()
    assert.match(await broken.innerText(), /dead[\s\S]*exception: .*could not connect to 10\.0\.0\.1$/m)
    assert.match((await broken.locator('.jobs-error').getAttribute('title')) ?? '', /smtp\.js/)

    await states.getByRole('link', { name: /^delayed/ }).click()
    await rows(page)
      .filter({ hasText: /mail\.later[\s\S]*in 59 min|in 1 h/ })
      .first()
      .waitFor()
    await page.context().close()
  })

  it('is filtered by keys alone, with suggestions', async () => {
    const page = await stage.page('jobs')
    await rows(page).first().waitFor()
    const input = page.getByRole('combobox', { name: 'Filter' })
    await page.keyboard.press('/')
    const list = page.getByRole('listbox', { name: 'Suggestions' })
    await list.waitFor()
    assert.equal(await list.getByRole('option').count(), 10)
    assert.match(await list.getByRole('option').first().innerText(), /^function:\s*name, or a pattern/)
    await page.keyboard.type('sta')
    await page.keyboard.press('Tab')
    assert.equal(await input.inputValue(), 'state:')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    const active = await input.getAttribute('aria-activedescendant')
    assert.ok(active !== null)
    assert.match(await page.locator(`[id="${active}"]`).innerText(), /^state:delayed/)
    await page.keyboard.press('Enter')
    assert.equal(await input.inputValue(), 'state:delayed ')
    await page.waitForURL(/q=state%3Adelayed$/)
    assert.equal(await list.isVisible(), false)
    await page.keyboard.type('mail')
    await list.getByRole('option', { name: 'function:mail.later 4 jobs' }).waitFor()
    await page.keyboard.press('Escape')
    assert.equal(await list.isVisible(), false)
    await page.keyboard.press('Enter')
    await page.waitForURL(/q=state%3Adelayed\+mail$/)
    await scopeOf(page, 'All 4 that match')
    // Where nothing is chosen and nothing typed, Tab goes on.
    await page.keyboard.press('Tab')
    assert.equal(await input.evaluate((element) => element === element.ownerDocument.activeElement), false)
    await page.context().close()
  })

  it('suggests functions and workers, which a click takes', async () => {
    const page = await stage.page('jobs')
    const input = page.getByRole('combobox', { name: 'Filter' })
    await input.fill('worker:')
    await page.getByRole('option', { name: 'worker:joe' }).click()
    await page.waitForURL(/q=worker%3Ajoe$/)
    await scopeOf(page, 'The one that matches')
    assert.match(await rows(page).first().innerText(), /slow/)
    await page.getByRole('button', { name: 'Clear the filter' }).click()
    await page.waitForURL(/jobs$/)
    await input.fill('function:<im')
    await page.getByRole('option').click()
    await scopeOf(page, 'The one that matches')
    assert.equal(await rows(page).locator('.jobs-name').innerText(), hostile)
    await page.context().close()
  })

  it('says what is wrong with a filter, and does the rest', async () => {
    const page = await stage.page(`jobs?${new URLSearchParams({ q: 'stat:x state:delayed age:5m' })}`)
    await page.getByText('There is no key stat:. Did you mean state:?').waitFor()
    await page.getByText('An age is a sign').waitFor()
    // Nobody knows what was meant.
    await page.getByText('Put the filter right to change all of them.').waitFor()
    assert.equal(await page.getByRole('button', { name: 'Cancel …' }).count(), 0)
    await scopeOf(page, 'All 4 that match')
    await page.getByRole('button', { name: 'age:5m' }).click()
    const input = page.getByRole('combobox', { name: 'Filter' })
    assert.equal(await input.getAttribute('aria-invalid'), 'true')
    await page.keyboard.type('age:<5m')
    await page.keyboard.press('Enter')
    assert.equal(await input.inputValue(), 'stat:x state:delayed age:<5m')
    await page.waitForURL(/age%3A%3C5m$/)
    await page.getByText('An age is a sign').waitFor({ state: 'detached' })
    await page.context().close()
  })

  it('opens the job of a handle', async () => {
    const { handle } = await firstOf('state=dead')
    const page = await stage.page('jobs')
    await page.getByRole('combobox', { name: 'Filter' }).fill(handle)
    await page.keyboard.press('Enter')
    await page.waitForURL((url) => url.pathname === '/job' && url.searchParams.get('handle') === handle)
    await page.goto(`${stage.origin}/jobs?${new URLSearchParams({ q: `handle:${handle}` })}`)
    await page.waitForURL((url) => url.pathname === '/job' && url.searchParams.get('handle') === handle)
    await page.context().close()
  })

  it('says so if there is none', async () => {
    const page = await stage.page('jobs?q=function:nobody')
    await page.getByText('No job is like that.').waitFor()
    await page.getByRole('button', { name: 'Show all that have not ended' }).click()
    await rows(page).first().waitFor()
    assert.ok(page.url().endsWith('/jobs'))
    await page.goto(`${stage.origin}/jobs?after=9000000000000000`)
    await page.getByText('There are no more jobs.').waitFor()
    await page.goto(`${stage.origin}/jobs?q=function:f&after=nonsense`)
    await page.getByRole('alert').filter({ hasText: 'after' }).waitFor()
    stage.forgiveFaults(/400/)
    await page.context().close()
  })

  it('is paged through, there and back, and in both orders', async () => {
    const page = await stage.page('jobs?q=function:paged')
    const uniques = () => rows(page).locator('.jobs-unique').allInnerTexts()
    const previous = page.getByRole('button', { name: 'Previous' })
    const next = page.getByRole('button', { name: 'Next' })
    const showing = (unique: string, on: Page = page) => rows(on).getByText(unique, { exact: true }).waitFor()
    await showing('p-0')
    assert.equal(await previous.isDisabled(), true)
    await next.click()
    await showing('p-50')
    assert.deepEqual(
      await uniques(),
      Array.from({ length: 50 }, (_, i) => `p-${i + 50}`),
    )
    const second = page.url()
    assert.match(second, /after=\d+/)
    await next.click()
    await showing('p-119')
    assert.equal(await rows(page).count(), 20)
    assert.equal(await next.isDisabled(), true)
    await previous.click()
    await showing('p-50')
    assert.equal(page.url(), second)
    // What the browser keeps with the address outlives a reload.
    await page.reload()
    await showing('p-50')
    await previous.click()
    await showing('p-0')
    assert.equal(await previous.isDisabled(), true)

    // Who was sent the address comes to the first page.
    await page.goto('about:blank')
    const other = await stage.page(second.slice(stage.origin.length + 1))
    await showing('p-50', other)
    await other.getByRole('button', { name: 'Previous' }).click()
    await showing('p-0', other)
    await other.getByRole('button', { name: 'Newest first' }).click()
    await other.waitForURL(/order=newest/)
    await showing('p-119', other)
    assert.equal(await rows(other).first().locator('.jobs-unique').innerText(), 'p-119')
    await page.context().close()
    await other.context().close()
  })

  it('is live, and does not move what is pointed at', async () => {
    const page = await stage.page('jobs?q=function:lively')
    await page.getByText('No job is like that.').waitFor()
    await stage.client.submitBackground('lively', '', { unique: 'l-1' })
    await stage.client.submitBackground('lively', '', { unique: 'l-2' })
    await rows(page).filter({ hasText: 'l-2' }).waitFor()
    await rows(page).filter({ hasText: 'l-1' }).hover()
    const { handle } = await firstOf('function=lively')
    await change({ action: 'cancel', handles: [handle] })
    await stage.client.submitBackground('lively', '', { unique: 'l-3' })
    await rows(page).filter({ hasText: 'l-1' }).getByText('moved on').waitFor()
    const more = page.getByRole('button', { name: 'The list has changed: show 1 other job' })
    await more.waitFor()
    assert.equal(await rows(page).count(), 2)
    // Elsewhere the pointer holds nothing.
    await page.mouse.move(0, 0)
    await rows(page).filter({ hasText: 'l-3' }).waitFor()
    await rows(page).filter({ hasText: 'l-1' }).waitFor({ state: 'detached' })
    assert.equal(await more.count(), 0)
    await change({ action: 'cancel', filter: { function: 'lively' } })
    await page.context().close()
  })

  it('changes those that are selected, by keys, and says why some were refused', async () => {
    for (let i = 0; i < 3; i++) await stage.client.submitBackground('picked', '', { unique: `s-${i}` })
    const page = await stage.page('jobs?q=function:picked')
    await rows(page).nth(2).waitFor()
    for (const key of ['j', 'x', 'j', 'x']) await page.keyboard.press(key)
    await scopeOf(page, '2 selected')
    // One of them ends meanwhile, and stays selected.
    const { handle } = await firstOf('function=picked')
    await change({ action: 'cancel', handles: [handle] })
    await rows(page).first().getByText('moved on').waitFor()
    await scopeOf(page, '2 selected')
    await page.getByRole('button', { name: 'Cancel …' }).click()
    const dialog = page.getByRole('dialog', { name: 'Cancel 2 jobs?' })
    await dialog.getByRole('button', { name: 'Cancel 2 jobs' }).click()
    await page.getByText('Cancelled: 1 job; 1 refused:').waitFor()
    const refused = page.getByRole('listitem').filter({ hasText: `there is no job ${handle}` })
    await refused.getByRole('link', { name: handle }).waitFor()
    await rows(page).filter({ hasText: 's-1' }).waitFor({ state: 'detached' })
    assert.equal(await rows(page).count(), 1)
    await page.getByRole('button', { name: 'Dismiss' }).click()
    await page.getByText('Cancelled: 1 job').waitFor({ state: 'detached' })
    await page.context().close()
  })

  it('changes all that match, with their number first', async () => {
    const { client } = stage
    for (let i = 0; i < 60; i++) await client.submitBackground('many', '')
    for (let i = 0; i < 2; i++) await client.submitBackground('many.later', '', { delayMs: 3_600_000 })
    const page = await stage.page('jobs?q=function:many+state:ready')
    const ask = async (action: string, jobs: string) => {
      await page.getByRole('button', { name: `${action} …` }).click()
      const dialog = page.getByRole('dialog', { name: `${action} ${jobs}?` })
      await dialog.waitFor()
      return dialog
    }
    await scopeOf(page, 'All 60 that match')
    const no = await ask('Cancel', '60 jobs')
    await no.getByText('All that match function:many state:ready, and not only those that are shown.').waitFor()
    await page.keyboard.press('Escape')
    await no.waitFor({ state: 'detached' })
    assert.equal(await total('function=many'), 60)

    const line = await ask('Reprioritise', '60 jobs')
    await line.getByLabel('Priority').selectOption('low')
    await line.getByRole('button', { name: 'Reprioritise 60 jobs' }).click()
    await page.getByText('Reprioritised: 60 jobs.').waitFor()
    assert.equal(await total('function=many&priority=low'), 60)

    await (await ask('Cancel', '60 jobs')).getByRole('button', { name: 'Cancel 60 jobs' }).click()
    await page.getByText('Cancelled: 60 jobs.').waitFor()
    assert.equal(await total('function=many'), 0)
    await page.getByText('No job is like that.').waitFor()

    await page.goto(`${stage.origin}/jobs?q=function:many.later`)
    await (await ask('Run now', '2 jobs')).getByRole('button', { name: 'Run now 2 jobs' }).click()
    await page.getByText('Ready now: 2 jobs.').waitFor()
    assert.equal(await total('function=many.later&state=ready'), 2)
    await page.context().close()
  })

  it('retries and deletes what is dead, and deletes what is kept', async () => {
    const page = await stage.page('jobs?q=state:dead+function:broken')
    const kept = rows(page).first()
    await kept.waitFor()
    assert.equal(await page.getByRole('button', { name: 'Cancel …' }).count(), 0)
    const { handle } = await firstOf('state=dead&order=newest')
    await kept.getByRole('checkbox').click()
    await page.getByRole('button', { name: 'Retry …' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Retry 1 job' }).click()
    await page.getByText('Retried: 1 job.').waitFor()
    await page.getByRole('button', { name: 'Delete …' }).waitFor()
    // It fails again.
    await settled('state=dead', 3)
    assert.equal((await describeJob(handle)).state, 'dead')
    await page.getByRole('button', { name: 'Delete …' }).click()
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /^Delete \d jobs?$/ })
      .click()
    await page.getByText(/^Deleted: \d jobs?\.$/).waitFor()
    await page.goto(`${stage.origin}/jobs?q=state:complete`)
    await page.getByRole('button', { name: 'Delete …' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete 2 jobs' }).click()
    await page.getByText('Deleted: 2 jobs.').waitFor()
    assert.equal(await total('state=complete'), 0)
    await page.context().close()
  })

  it('runs no script out of names, and nothing overflows', async () => {
    for (const width of [400, 1280]) {
      const page = await stage.page(`jobs?order=newest`, { width, height: 800 })
      const row = rows(page).filter({ hasText: '<img src=x' })
      await row.waitFor()
      assert.equal(await row.locator('.jobs-name').getAttribute('title'), hostile)
      assert.equal(await page.locator('img').count(), 0)
      await rows(page)
        .filter({ hasText: long.slice(0, 30) })
        .waitFor()
      const wide = (await page.evaluate('document.documentElement.scrollWidth - innerWidth')) as number
      assert.ok(wide <= 0, `${wide} pixels at ${width}`)
      await page.context().close()
    }
  })

  it('is for everyone, as far as axe can say', async () => {
    for (const theme of ['light', 'dark'] as const) {
      const page = await stage.page(`jobs?${new URLSearchParams({ q: 'stat:x' })}`, { theme })
      await rows(page).filter({ hasText: 'paged' }).first().getByRole('checkbox').click()
      await page.keyboard.press('/')
      await page.keyboard.press('End')
      await page.keyboard.type(' ')
      await page.keyboard.press('ArrowDown')
      await page.getByRole('option').first().waitFor()
      assert.deepEqual(await violations(page), [])
      await page.keyboard.press('Escape')
      await page.getByRole('button', { name: 'Reprioritise …' }).click()
      await page.getByRole('dialog').waitFor()
      assert.deepEqual(await violations(page), [])
      await page.context().close()
    }
    const phone = await stage.page('jobs?q=state:running', { width: 400, height: 800 })
    await rows(phone).first().waitFor()
    assert.deepEqual(await violations(phone), [])
    await phone.context().close()
  })
})

describe('the page of jobs of who may not do everything', { skip }, () => {
  it('shows what they may do, and no more', async () => {
    await using guarded = await Stage.open({ access: rules })
    for (const name of ['mail.send', 'mail.digest', 'other']) {
      const headers = { authorization: 'Bearer token-of-all' }
      const answer = await fetch(`${guarded.origin}/api/functions/${name}/jobs`, { method: 'POST', headers })
      assert.equal(answer.status, 202)
    }
    const viewer = await guarded.page('jobs', { token: tokenOf('view') })
    await rows(viewer).nth(1).waitFor()
    assert.equal(await rows(viewer).count(), 2)
    assert.equal(await viewer.getByRole('checkbox').count(), 0)
    assert.equal(await viewer.getByRole('group', { name: 'Change jobs' }).count(), 0)

    const operator = await guarded.page('jobs', { token: tokenOf('operate') })
    await operator.getByText('Filter by one function to change all of its jobs, or select some.').waitFor()
    assert.equal(await operator.getByRole('button', { name: 'Cancel …' }).count(), 0)
    await operator.getByRole('combobox', { name: 'Filter' }).fill('function:mail.*')
    await operator.keyboard.press('Enter')
    await operator.getByRole('button', { name: 'Cancel …' }).click()
    await operator.getByRole('dialog').getByRole('button', { name: 'Cancel 2 jobs' }).click()
    await operator.getByText('Cancelled: 2 jobs.').waitFor()

    const admin = await guarded.page('jobs', { token: 'token-of-all' })
    await rows(admin).filter({ hasText: 'other' }).waitFor()
    await scopeOf(admin, 'The one that matches')
    await admin.getByRole('button', { name: 'Cancel …' }).waitFor()
  })
})

function rows(page: Page) {
  return page.getByRole('table', { name: 'Jobs' }).locator('[data-row]')
}

async function scopeOf(page: Page, text: string): Promise<void> {
  await page.getByRole('group', { name: 'Change jobs' }).getByText(text, { exact: true }).waitFor()
}

async function ask<Answer>(path: string, body?: object): Promise<Answer> {
  const headers = { 'content-type': 'application/json' }
  const init = body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) }
  const answer = await fetch(`${stage.origin}/api/${path}`, init)
  assert.equal(answer.status, 200)
  // As the API says, against which it is tested elsewhere.
  return (await answer.json()) as Answer
}

async function total(query: string): Promise<number> {
  return (await ask<{ readonly count: number }>(`jobs/count?${query}`)).count
}

async function firstOf(query: string) {
  const { jobs } = await ask<ControlOperations['jobs']['answer']>(`jobs?${query}`)
  return jobs[0] ?? assert.fail(`there is no job of ${query}`)
}

function describeJob(handle: string): Promise<JobDescription> {
  return ask(`jobs/${encodeURIComponent(handle)}`)
}

async function change(body: object): Promise<void> {
  await ask('jobs/bulk', body)
}

/** When there are so many. */
async function settled(query: string, count: number): Promise<void> {
  while ((await total(query)) !== count);
}
