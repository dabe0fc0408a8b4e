import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import { ManualClock } from '../support/manual-clock.ts'
import { Stage, skip, violations } from './stage.ts'

function chart(page: Page, title: string): Locator {
  return page.getByRole('figure', { name: title })
}

/** What the legend of a chart says of a line. */
function value(page: Page, title: string, line: string): Locator {
  return chart(page, title).locator('.chart-legend div').filter({ hasText: line }).getByRole('definition')
}

describe('charts', { skip }, () => {
  let stage: Stage
  before(async () => {
    const clock = new ManualClock()
    stage = await Stage.open({ store: 'memory' }, clock)
    await stage
      .worker()
      .handle('a', () => '')
      .start()
    await stage.client.submit('a', '').result()
    for (let index = 0; index < 7; index++) await stage.client.submitBackground('b', '')
    // The step of the first sample is over, and so is the next one.
    clock.advance(20_000)
  })
  after(() => stage[Symbol.asyncDispose]())

  test('show the last values that are known', async () => {
    const page = await stage.page()
    await value(page, 'Waiting and running', 'ready').filter({ hasText: /^7$/ }).waitFor()
    await value(page, 'Jobs in and out a second', 'submitted').filter({ hasText: /^0$/ }).waitFor()
    await value(page, 'Time to run', 'p95')
      .filter({ hasText: /^\d+ ms$|<1 ms/ })
      .waitFor()
    await value(page, 'Dead', 'dead').filter({ hasText: /^0$/ }).waitFor()
    for (const title of ['Time to wait', 'Workers']) await chart(page, title).locator('canvas').waitFor()
    assert.deepEqual(await violations(page), [])
  })

  test('are drawn in the colours of the theme, also of another one', async () => {
    const page = await stage.page()
    await value(page, 'Waiting and running', 'ready').filter({ hasText: /^7$/ }).waitFor()
    const light = await pixels(page)
    await page.emulateMedia({ colorScheme: 'dark' })
    await drawnAnew(page, light)
    assert.equal(await chart(page, 'Dead').locator('canvas').count(), 1)
  })

  test('show the same moment when one of them is pointed at', async () => {
    const page = await stage.page('?range=15m')
    await value(page, 'Waiting and running', 'ready').filter({ hasText: /^7$/ }).waitFor()
    await chart(page, 'Time to wait')
      .locator('.u-over')
      .hover({ position: { x: 20, y: 30 } })
    const times = page
      .getByRole('figure')
      .locator('.chart-time')
      .filter({ hasText: /^\d\d:\d\d:\d\d$/ })
    await times.nth(5).waitFor()
    assert.equal(new Set(await times.allTextContents()).size, 1)
    const [first = 0, ...others] = await cursors(page)
    assert.ok(first > 0)
    assert.deepEqual(others, Array<number>(5).fill(first))
    // The server was not there then.
    await value(page, 'Waiting and running', 'ready').filter({ hasText: '–' }).waitFor()
    await page.getByRole('heading', { level: 1 }).hover()
    await value(page, 'Waiting and running', 'ready').filter({ hasText: /^7$/ }).waitFor()
    assert.equal(await times.count(), 0)
  })

  test('show the range that is chosen, which is in the address', async () => {
    const page = await stage.page()
    const ranges = page.getByRole('group', { name: 'Time shown' })
    assert.equal(await ranges.getByRole('button', { pressed: true }).textContent(), '1 h')
    for (const [text, range] of [
      ['15 min', '15m'],
      ['6 h', '6h'],
      ['24 h', '24h'],
      ['7 d', '7d'],
    ] as const) {
      const asked = page.waitForRequest((request) => request.url().endsWith(`/api/history?range=${range}`))
      await ranges.getByRole('button', { name: text }).click()
      await asked
      await page.waitForURL(`**/?range=${range}`)
      await value(page, 'Waiting and running', 'ready').filter({ hasText: /^7$/ }).waitFor()
    }
    await page.reload()
    assert.equal(await ranges.getByRole('button', { pressed: true }).textContent(), '7 d')
  })

  test('do not change the height of the page when they come or are a table', async () => {
    const page = await stage.page()
    const below = page.getByRole('heading', { name: 'Busiest functions' })
    await page.getByText('No job is dead.').waitFor()
    await value(page, 'Waiting and running', 'ready').filter({ hasText: /^7$/ }).waitFor()
    const place = await below.boundingBox()
    await page.getByRole('button', { name: '24 h' }).click()
    assert.deepEqual(await below.boundingBox(), place)
    await page.getByRole('button', { name: 'Show as table' }).click()
    await page.getByRole('table', { name: /steps of the history/ }).waitFor()
    const { y = 0 } = (await below.boundingBox()) ?? {}
    assert.ok(Math.abs(y - (place?.y ?? 0)) < 2, `it is ${y - (place?.y ?? 0)} px further down`)
  })

  test('are a table for those who want one', async () => {
    const page = await stage.page()
    await page.getByRole('button', { name: 'Show as table' }).click()
    const table = page.getByRole('table', { name: 'The last steps of the history, the latest first' })
    const row = table.getByRole('row').filter({ hasText: '0.8/s' })
    const texts = await row.getByRole('cell').allTextContents()
    assert.match(texts[0] ?? '', /^\d\d:\d\d:\d\d$/)
    const headings = await table.getByRole('columnheader').allTextContents()
    assert.equal(texts[headings.indexOf('ready')], '7')
    assert.ok(headings.includes('run p95'))
    assert.equal(await page.getByRole('figure').count(), 0)
    assert.deepEqual(await violations(page), [])
    await page.waitForURL('**/?history=table')
    await page.reload()
    await table.waitFor()
    await page.getByRole('button', { name: 'Show as table' }).click()
    await chart(page, 'Dead').waitFor()
  })

  test('an address that asks for what is not there gets the default', async () => {
    const page = await stage.page('?range=2y&history=<b>')
    await value(page, 'Waiting and running', 'ready').filter({ hasText: /^7$/ }).waitFor()
    assert.equal(await page.getByRole('button', { pressed: true, name: '1 h' }).count(), 1)
  })

  test('are asked for again with each step, and not while the page is paused', async () => {
    const page = await stage.page('about-to-set-the-clock')
    await page.clock.install()
    let asked = 0
    page.on('request', (request) => {
      if (request.url().includes('/api/history?')) asked++
    })
    await page.goto(`${stage.origin}/?range=15m`)
    const answered = () => page.waitForResponse((response) => response.url().includes('/api/history?'))
    await value(page, 'Waiting and running', 'ready').filter({ hasText: /^7$/ }).waitFor()
    assert.equal(asked, 1)
    const again = answered()
    await page.clock.runFor(10_000)
    await again
    assert.equal(asked, 2)
    await page.keyboard.press('p')
    await page.getByRole('navigation').getByText('Paused').waitFor()
    await page.clock.runFor(60_000)
    const goesOn = answered()
    await page.keyboard.press('p')
    await goesOn
    assert.equal(asked, 3)
  })

  test('say why they are not there, and come when they are asked for again', async () => {
    const page = await stage.page('about-to-cut-the-line')
    await page.route('**/api/history?*', (route) => route.abort())
    await page.goto(`${stage.origin}/`)
    const failure = page.getByRole('alert').filter({ hasText: 'The server can not be reached.' })
    await failure.waitFor()
    await page.unroute('**/api/history?*')
    await failure.getByRole('button', { name: 'Try again' }).click()
    await value(page, 'Waiting and running', 'ready').filter({ hasText: /^7$/ }).waitFor()
    stage.forgiveFaults(/net::ERR_FAILED/)
  })
})

/** How far from the left edge of each chart the line is that shows the moment. */
function cursors(page: Page): Promise<number[]> {
  return page.evaluate(`Array.from(document.querySelectorAll('.u-over'), (over) => {
    const line = over.querySelector('.u-cursor-x').getBoundingClientRect()
    return Math.round(line.x - over.getBoundingClientRect().x)
  })`)
}

/** The first chart as it is drawn. */
function pixels(page: Page): Promise<string> {
  return page.evaluate(`document.querySelector('figure canvas').toDataURL()`)
}

/** It is drawn in another way than before. */
function drawnAnew(page: Page, pixelsBefore: string): Promise<void> {
  return page.evaluate(`new Promise((resolve) => {
    const look = () => {
      const canvas = document.querySelector('figure canvas')
      if (canvas !== null && canvas.toDataURL() !== ${JSON.stringify(pixelsBefore)}) resolve()
      else requestAnimationFrame(look)
    }
    look()
  })`)
}
