import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { hostile, JobsStage, long, rows, scopeOf } from './jobs-stage.ts'
import { skip, violations } from './stage.ts'

// The page of jobs in a browser: what it shows, and how one finds jobs.

describe('the page of jobs', { skip }, () => {
  let jobs: JobsStage
  before(async () => {
    jobs = await JobsStage.open()
  })
  after(() => jobs[Symbol.asyncDispose]())

  it('shows how many there are in each state, and each job with what matters', async () => {
    const page = await jobs.stage.page('jobs')
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
    const page = await jobs.stage.page('jobs')
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
    const page = await jobs.stage.page('jobs')
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
    const page = await jobs.stage.page(`jobs?${new URLSearchParams({ q: 'stat:x state:delayed age:5m' }).toString()}`)
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
    const { handle } = await jobs.first('state=dead')
    const page = await jobs.stage.page('jobs')
    await page.getByRole('combobox', { name: 'Filter' }).fill(handle)
    await page.keyboard.press('Enter')
    await page.waitForURL((url) => url.pathname === '/job' && url.searchParams.get('handle') === handle)
    await page.goto(`${jobs.stage.origin}/jobs?${new URLSearchParams({ q: `handle:${handle}` }).toString()}`)
    await page.waitForURL((url) => url.pathname === '/job' && url.searchParams.get('handle') === handle)
    await page.context().close()
  })

  it('says so if there is none', async () => {
    const page = await jobs.stage.page('jobs?q=function:nobody')
    await page.getByText('No job is like that').waitFor()
    await page.getByRole('button', { name: 'Show all that have not ended' }).click()
    await rows(page).first().waitFor()
    assert.ok(page.url().endsWith('/jobs'))
    await page.goto(`${jobs.stage.origin}/jobs?after=9000000000000000`)
    await page.getByText('There are no more jobs').waitFor()
    await page.goto(`${jobs.stage.origin}/jobs?q=function:f&after=nonsense`)
    await page.getByRole('alert').filter({ hasText: 'after' }).waitFor()
    jobs.stage.forgiveFaults(/400/)
    await page.context().close()
  })

  it('is paged through, there and back, and in both orders', async () => {
    const page = await jobs.stage.page('jobs?q=function:paged')
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
    const other = await jobs.stage.page(second.slice(jobs.stage.origin.length + 1))
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
    const page = await jobs.stage.page('jobs?q=function:lively')
    await page.getByText('No job is like that').waitFor()
    await jobs.stage.client.submitBackground('lively', '', { unique: 'l-1' })
    await jobs.stage.client.submitBackground('lively', '', { unique: 'l-2' })
    await rows(page).filter({ hasText: 'l-2' }).waitFor()
    await rows(page).filter({ hasText: 'l-1' }).hover()
    const { handle } = await jobs.first('function=lively')
    await jobs.change({ action: 'cancel', handles: [handle] })
    await jobs.stage.client.submitBackground('lively', '', { unique: 'l-3' })
    await rows(page).filter({ hasText: 'l-1' }).getByText('moved on').waitFor()
    const more = page.getByRole('button', { name: 'The list has changed: show 1 other job' })
    await more.waitFor()
    assert.equal(await rows(page).count(), 2)
    await more.click()
    await rows(page).filter({ hasText: 'l-3' }).waitFor()
    assert.equal(await rows(page).filter({ hasText: 'l-1' }).count(), 0)
    await jobs.change({ action: 'cancel', filter: { function: 'lively', unique: 'l-2' } })
    await rows(page).filter({ hasText: 'l-2' }).getByText('moved on').waitFor()
    // Elsewhere the pointer holds nothing.
    await page.mouse.move(0, 0)
    await rows(page).filter({ hasText: 'l-2' }).waitFor({ state: 'detached' })
    assert.equal(await more.count(), 0)
    await jobs.change({ action: 'cancel', filter: { function: 'lively' } })
    await page.context().close()
  })

  it('runs no script out of names, and nothing overflows', async () => {
    for (const width of [400, 1280]) {
      const page = await jobs.stage.page(`jobs?order=newest`, { width, height: 800 })
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
      const page = await jobs.stage.page(`jobs?${new URLSearchParams({ q: 'stat:x' }).toString()}`, { theme })
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
    const phone = await jobs.stage.page('jobs?q=state:running', { width: 400, height: 800 })
    await rows(phone).first().waitFor()
    assert.deepEqual(await violations(phone), [])
    await phone.context().close()
  })
})
