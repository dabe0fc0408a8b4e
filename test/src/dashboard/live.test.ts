import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import { Stage, skip } from './stage.ts'

// What all pages have in common that show what goes on: that it is live, and whether it is.

function state(page: Page): Locator {
  return page.getByRole('navigation').getByRole('status')
}

function queued(page: Page, count: number): Locator {
  return page.getByRole('region', { name: 'Figures' }).getByRole('link', { name: new RegExp(`^Queued ${count}\\b`) })
}

/** As if another tab were shown. */
async function hide(page: Page, isHidden: boolean): Promise<void> {
  await page.evaluate(`Object.defineProperty(document, 'hidden', { value: ${isHidden}, configurable: true })
    document.dispatchEvent(new Event('visibilitychange'))`)
}

describe('what is shown goes on', { skip }, () => {
  let stage: Stage
  let jobs = 0
  before(async () => {
    stage = await Stage.open({ store: 'memory' })
    await submit()
  })
  after(() => stage[Symbol.asyncDispose]())

  /** Another one that nobody does. */
  async function submit(): Promise<void> {
    await stage.client.submitBackground('a', '')
    jobs++
  }

  test('figures move while jobs come and are done', async () => {
    const page = await stage.page()
    const row = page.getByRole('row').filter({ hasText: 'quick' })
    const worker = stage.worker().handle('quick', () => '')
    await worker.start()
    await queued(page, jobs).waitFor()
    await submit()
    await queued(page, jobs).waitFor()
    await stage.client.submit('quick', '').result()
    await row.getByRole('cell').nth(5).filter({ hasText: '0.1/s' }).waitFor()
    await page.getByRole('link', { name: /^Done 0\.1\/s/ }).waitFor()
    await page.getByRole('link', { name: /^Workers 1/ }).waitFor()
    await worker.close()
    await page.getByRole('link', { name: /^Workers 0/ }).waitFor()
  })

  const ways: readonly (readonly [string, (page: Page, isOn: boolean) => Promise<unknown>])[] = [
    ['a button', (page) => page.getByRole('button', { name: 'Pause', exact: true }).click()],
    ['the key p', (page) => page.keyboard.press('p')],
    ['another tab being shown', hide],
  ]
  for (const [way, toggle] of ways) {
    test(`it is paused by ${way}, and goes on with what has come`, async () => {
      const page = await stage.page()
      const other = await stage.page()
      await queued(page, jobs).waitFor()
      await toggle(page, true)
      await state(page).filter({ hasText: 'Paused' }).waitFor()
      await submit()
      await queued(other, jobs).waitFor()
      assert.equal(await queued(page, jobs - 1).count(), 1)
      await toggle(page, false)
      await queued(page, jobs).waitFor()
      await state(page).filter({ hasText: 'Live' }).waitFor()
    })
  }

  test('the button says whether it is pressed', async () => {
    const page = await stage.page()
    const button = page.getByRole('button', { name: 'Pause', exact: true })
    assert.equal(await button.getAttribute('aria-pressed'), 'false')
    await button.click()
    assert.equal(await button.getAttribute('aria-pressed'), 'true')
  })

  test('p is a letter where somebody types', async () => {
    const page = await stage.page()
    await state(page).filter({ hasText: 'Live' }).waitFor()
    await page.evaluate(`document.querySelector('main').append(document.createElement('input'))`)
    await page.locator('main input').pressSequentially('p')
    assert.equal(await page.locator('main input').inputValue(), 'p')
    assert.equal(await state(page).textContent(), 'Live')
  })

  test('a tab that was paused stays so when it is shown again', async () => {
    const page = await stage.page()
    await state(page).filter({ hasText: 'Live' }).waitFor()
    await page.keyboard.press('p')
    await state(page).filter({ hasText: 'Paused' }).waitFor()
    await hide(page, true)
    await hide(page, false)
    assert.equal(await state(page).textContent(), 'Paused')
  })

  test('it says when the server is away, and goes on with the one that comes', async () => {
    const page = await stage.page()
    await queued(page, jobs).waitFor()
    const banner = page.getByRole('alert').filter({ hasText: 'The server does not answer.' })
    await stage.restart(async () => {
      await banner.waitFor()
      await state(page).filter({ hasText: 'No answer' }).waitFor()
      // What was known is still there to be read.
      await queued(page, jobs).waitFor()
    })
    jobs = 0
    await banner.waitFor({ state: 'detached' })
    await state(page).filter({ hasText: 'Live' }).waitFor()
    await queued(page, 0).waitFor()
    stage.forgiveFaults(/net::ERR_/)
  })
})
