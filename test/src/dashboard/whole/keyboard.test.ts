import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import { scratch } from '../../cli/command.ts'
import { Stage, skip } from '../stage.ts'
import { dialogsOf, type Opened } from './dialogs.ts'
import { Caller, type Handles, openPlaces, placesOf, plainWords, settled } from './places.ts'

/** More than any page has that can be reached. */
const tabsMax = 150

/** What has the focus: who it is, and what is wrong with how it is seen. Undefined: nothing has it. */
const focused = `(() => {
  const element = document.activeElement
  if (element === null || element === document.body) return undefined
  element.dataset.stop ??= String(++window.stops)
  const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element)
  const around = element.parentElement ? getComputedStyle(element.parentElement) : undefined
  const { left, top, right, bottom, width, height } = element.getBoundingClientRect()
  const isRinged = (style) => style && style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0
  const text = element.tagName + ' ' + (element.getAttribute('aria-label') ?? element.textContent ?? '').trim().slice(0, 60)
  return {
    stop: element.dataset.stop,
    text,
    wrong: [
      ...(isRinged({ outlineStyle, outlineWidth }) || boxShadow !== 'none' || isRinged(around) ? [] : ['no ring']),
      ...(width === 0 || height === 0 ? ['no size'] : []),
      ...(bottom <= 0 || right <= 0 || top >= innerHeight || left >= innerWidth ? ['out of sight'] : []),
    ],
  }
})()`

/** All that Tab has to reach, of a group of radios one. */
const reachable = `Array.from(document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]'))
  .filter((element) => !element.matches(':disabled, [tabindex="-1"], input[type=radio]:not(:checked)') && element.checkVisibility({ visibilityProperty: true }))
  .filter((element) => element.dataset.stop === undefined)
  .map((element) => element.outerHTML.slice(0, 150))`

interface Stop {
  readonly stop: string
  readonly text: string
  readonly wrong: readonly string[]
}

/** Where Tab leads from here, until it has been everywhere. */
async function walk(page: Page): Promise<Stop[]> {
  await page.evaluate('window.stops = 0')
  const stops: Stop[] = []
  for (let count = 0; count < tabsMax; count++) {
    await page.keyboard.press('Tab')
    const at = (await page.evaluate(focused)) as Stop | undefined
    if (at !== undefined && stops.some(({ stop }) => stop === at.stop)) return stops
    if (at !== undefined) stops.push(at)
  }
  assert.fail(`Tab leads nowhere: ${stops.map(({ text }) => text).join(', ')}`)
}

async function tabTo(page: Page, target: Locator): Promise<void> {
  for (let count = 0; count < tabsMax; count++) {
    if (await isFocused(target)) return
    await page.keyboard.press('Tab')
  }
  assert.fail(`Tab does not lead to ${String(target)}`)
}

async function isFocused(target: Locator): Promise<boolean> {
  return (await target.and(target.page().locator(':focus')).count()) === 1
}

describe('without a mouse', { skip }, () => {
  // Where a job that is retried keeps its handle.
  const directory = scratch()
  let stage: Stage
  let handles: Handles
  before(async () => {
    ;[stage, handles] = await openPlaces({ store: `sqlite:${directory.path('jobs.db')}` })
  })
  after(async () => {
    stage.forgiveFaults(/404 \(Not Found\)/)
    await stage[Symbol.asyncDispose]()
    directory[Symbol.dispose]()
  })

  test('Tab reaches all of each page and is seen where it is', async () => {
    const page = await stage.page('')
    for (const place of placesOf(handles)) {
      await page.goto(`${stage.origin}/${place.path}`)
      await settled(page, place)
      // From there on: it gets the focus when the page is another one.
      await page.locator('h1:focus').waitFor()
      const stops = await walk(page)
      assert.deepEqual(
        stops.filter(({ wrong }) => wrong.length > 0),
        [],
        place.name,
      )
      assert.deepEqual(await page.evaluate(reachable), [], place.name)
    }
    await page.context().close()
  })

  test('the first stop of a page leads to its content', async () => {
    const page = await stage.page('functions')
    await page.getByRole('heading', { level: 1 }).waitFor()
    const link = page.getByRole('link', { name: 'Skip to the content' })
    for (let count = 0; count < tabsMax && !(await isFocused(link)); count++) await page.keyboard.press('Shift+Tab')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    assert.equal(await page.evaluate(`document.querySelector('main').contains(document.activeElement)`), true)
    await page.getByRole('heading', { level: 1, name: 'Functions' }).waitFor()
    await page.context().close()
  })

  test('a dead job is found and retried', async () => {
    const handle = await bury('retried by keys')
    const page = await stage.page('')
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('j')
    await page.getByRole('heading', { level: 1, name: 'Jobs' }).waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('state:dead function:"retried by keys"')
    await page.keyboard.press('Enter')
    await page.locator('tr[data-row]').filter({ hasText: handle }).waitFor()
    await page.locator('tr[data-row]').nth(1).waitFor({ state: 'detached' })
    await page.keyboard.press('Tab')
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: `${handle} dead` }).waitFor()
    await tabTo(page, page.getByRole('button', { name: 'Retry' }))
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: `${handle} ready` }).waitFor()
    assert.equal(await new Caller(stage.origin).stateOf(handle), 'ready')
    await page.context().close()
  })

  test('a function is paused and goes on, and the focus stays where it was', async () => {
    await stage.client.submitBackground('a.paused', '')
    const page = await stage.page('')
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('f')
    await page.locator('tr[data-row]').filter({ hasText: 'a.paused' }).waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('a.paused')
    await page.locator('tr[data-row]').nth(1).waitFor({ state: 'detached' })
    await page.keyboard.press('Tab')
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'a.paused' }).waitFor()
    const actions = page.locator('header').filter({ has: page.getByRole('heading', { level: 1 }) })
    await tabTo(page, actions.getByRole('button', { name: 'Pause' }))
    await page.keyboard.press('Enter')
    const resume = actions.getByRole('button', { name: 'Resume' })
    await resume.waitFor()
    assert.equal(await isFocused(resume), true)
    await page.keyboard.press('Enter')
    await actions.getByRole('button', { name: 'Pause' }).waitFor()
    await page.context().close()
  })

  test('the filter’s suggestions are taken', async () => {
    const page = await stage.page('jobs')
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('sta')
    await page
      .getByRole('option', { name: /^state:/ })
      .first()
      .waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    const filter = page.getByRole('combobox', { name: 'Filter' })
    assert.equal(await filter.inputValue(), 'state:')
    await page.keyboard.type('dea')
    await page.getByRole('option', { name: /dead/ }).first().waitFor()
    assert.equal(await filter.getAttribute('aria-expanded'), 'true')
    await page.keyboard.press('ArrowDown')
    const active = await filter.getAttribute('aria-activedescendant')
    assert.equal(await page.locator(`[id="${active}"]`).getAttribute('aria-selected'), 'true')
    await page.keyboard.press('Enter')
    assert.equal((await filter.inputValue()).trim(), 'state:dead')
    await page.keyboard.press('Enter')
    await page.waitForURL((url) => url.searchParams.get('q')?.trim() === 'state:dead')
    await page.locator('tr[data-row]').filter({ hasText: handles.dead }).waitFor()
    assert.equal(await filter.getAttribute('aria-expanded'), 'false')
    await page.context().close()
  })

  test('j and k walk the rows, x selects, Enter opens', async () => {
    const page = await stage.page('jobs')
    await page.locator('tr[data-row]').nth(1).waitFor()
    const row = (index: number) => page.locator('tr[data-row]').nth(index)
    for (const [key, at] of [
      ['j', 0],
      ['j', 1],
      ['k', 0],
      ['k', 0],
    ] as const) {
      await page.keyboard.press(key)
      assert.equal(await isFocused(row(at)), true, `${key} leads to row ${at}`)
    }
    await page.keyboard.press('x')
    assert.equal(await row(0).getByRole('checkbox').isChecked(), true)
    await page.keyboard.press('j')
    const handle = (await row(1).getByRole('link').first().textContent()) ?? ''
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: handle }).waitFor()
    await page.context().close()
  })

  test('a dialog has the focus, keeps it, and gives it back at Escape', async () => {
    for (const each of dialogsOf(handles)) await openAndLeave(each)
  })

  test('another page is heard of: its heading has the focus', async () => {
    const page = await stage.page('')
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
    for (const [key, name] of [
      ['f', 'Functions'],
      ['w', 'Workers and connections'],
      ['s', 'Schedules'],
      ['o', 'Overview'],
    ] as const) {
      await page.keyboard.press('g')
      await page.keyboard.press(key)
      const heading = page.getByRole('heading', { level: 1, name })
      await heading.waitFor()
      assert.equal(await isFocused(heading), true, name)
    }
    await page.context().close()
  })

  async function openAndLeave({ name, path, button }: Opened): Promise<void> {
    const page = await stage.page(path)
    const opener = button(page)
    await opener.press('Enter')
    const dialog = page.getByRole('dialog')
    await dialog.waitFor()
    for (let count = 0; count < 20; count++) {
      // Between the last and the first is the browser itself.
      const isInside = `document.activeElement === document.body || document.querySelector('dialog').contains(document.activeElement)`
      assert.equal(await page.evaluate(isInside), true, `${name} lets the focus out`)
      if (count === 0) assert.notEqual(await page.evaluate('document.activeElement.tagName'), 'BODY', name)
      await page.keyboard.press('Tab')
    }
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    assert.equal(await isFocused(opener), true, `${name} gives the focus back`)
    await page.context().close()
  }

  /** A job that has died. */
  async function bury(name: string): Promise<string> {
    const handle = await stage.client.submitBackground(name, '')
    await (await new Caller(stage.origin).take({ ...plainWords, function: name }))('fail', 'broken')
    return handle
  }
})
