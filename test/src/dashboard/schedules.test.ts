import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { ScheduleDefinition, ScheduleState } from '@geartrain/protocol'
import { hashToken } from '@geartrain/server'
import type { Page } from 'playwright-core'
import { rules, theirs, tokenOf } from '../access/parts.ts'
import { Stage, skip, violations } from './stage.ts'

const hostile = '<img src=x onerror=alert(1)>/"\'&amp; 😀'

describe('schedules', { skip }, () => {
  let stage: Stage
  before(async () => {
    stage = await Stage.open({
      schedules: [{ name: 'of-the-file', function: 'report', cron: '0 3 * * *', timezone: 'Europe/Berlin' }],
    })
  })
  after(() => stage[Symbol.asyncDispose]())

  test('are listed with when they come', async () => {
    await put(stage, { name: 'poll', function: 'fetch', every: '1h', paused: true })
    const page = await stage.page('schedules')
    const poll = row(page, 'poll')
    await poll.getByText('paused', { exact: true }).waitFor()
    await poll.getByText('every 1h').waitFor()
    await poll.getByText('not yet').waitFor()
    const file = row(page, 'of-the-file')
    await file.getByText('0 3 * * *').waitFor()
    await file.getByText('Europe/Berlin').waitFor()
    await file.getByText('config').waitFor()
    assert.match((await file.textContent()) ?? '', /in (\d+ h|\d+ min|\d+ s)/)
    const times = await file.locator('time').first().getAttribute('title')
    assert.match(times ?? '', /\d{4}, 03:00:00$/, 'exact where it is pointed at')
    assert.equal(await file.getByRole('button', { name: 'Remove' }).isDisabled(), true)
    assert.match(
      (await file.getByRole('button', { name: 'Remove' }).getAttribute('title')) ?? '',
      /configuration file.*removed there/,
    )
    await page.getByRole('searchbox').fill('FETCH')
    await file.waitFor({ state: 'detached' })
    assert.equal(new URL(page.url()).searchParams.get('q'), 'FETCH')
    await page.getByRole('searchbox').fill('nothing')
    await page.getByText('None of 2 schedules fits the filter').waitFor()
    await page.context().close()
  })

  test('are run, paused and resumed, and a run is seen as it comes', async () => {
    await put(stage, { name: 'doer', function: 'do', every: '1h' })
    const page = await stage.page('schedules')
    const doer = row(page, 'doer')
    await doer.getByRole('button', { name: 'Run now' }).click()
    await page.getByText(/^doer has submitted H:/).waitFor()
    const link = doer.getByRole('link', { name: 'submitted' })
    await link.waitFor()
    const [run] = (await show(stage, 'doer')).history
    assert.equal(await link.getAttribute('title'), `Job ${run?.handle}`)
    await doer.getByRole('button', { name: 'Pause' }).click()
    await doer.getByText('paused', { exact: true }).waitFor()
    assert.equal((await show(stage, 'doer')).paused, true)
    await doer.getByRole('button', { name: 'Resume' }).click()
    await doer.getByText('paused', { exact: true }).waitFor({ state: 'detached' })
    assert.equal((await show(stage, 'doer')).paused, false)
    await link.click()
    await page.waitForURL((url) => url.pathname === '/job' && url.searchParams.get('handle') === run?.handle)
    await page.context().close()
  })

  test('one that others add or remove comes and goes', async () => {
    const page = await stage.page('schedules')
    await row(page, 'of-the-file').waitFor()
    await put(stage, { name: 'of-another', function: 'f', every: '1h' })
    await row(page, 'of-another').waitFor()
    await fetch(`${stage.origin}/api/schedules/of-another`, { method: 'DELETE' })
    await row(page, 'of-another').waitFor({ state: 'detached' })
    await page.context().close()
  })

  test('one is removed once that is confirmed', async () => {
    await put(stage, { name: 'old', function: 'do', every: '1h' })
    const page = await stage.page('schedules')
    await row(page, 'old').getByRole('button', { name: 'Remove' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('old').waitFor()
    await dialog.getByRole('button', { name: 'Leave it' }).click()
    assert.equal((await show(stage, 'old')).name, 'old')
    await row(page, 'old').getByRole('button', { name: 'Remove' }).click()
    await dialog.getByRole('button', { name: 'Remove' }).click()
    await page.getByText('old is removed.').waitFor()
    await row(page, 'old').waitFor({ state: 'detached' })
    assert.equal((await fetch(`${stage.origin}/api/schedules/old`)).status, 404)
    await page.context().close()
  })

  test('one is added by keys alone, and its next times are seen before', async () => {
    const page = await stage.page('schedules')
    await page.getByRole('button', { name: 'Add a schedule' }).press('Enter')
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('textbox', { name: 'Name' }).focus()
    await page.keyboard.type('nightly')
    await page.keyboard.press('Tab')
    await page.keyboard.type('report')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    await page.keyboard.type('30 3 * * *')
    await dialog.locator('.schedule-next li').nth(4).waitFor()
    const [first = '', second = ''] = await dialog.locator('.schedule-next li time').allTextContents()
    // In the zone of the browser, which is Berlin's.
    assert.match(first, /\d{4}, 0[45]:30:00$/)
    assert.match(second, /^in /)
    await page.keyboard.press('Tab')
    await page.keyboard.press('Control+A')
    await page.keyboard.type('Europe/Berlin')
    await dialog
      .getByText(/, 03:30:00/)
      .first()
      .waitFor()
    await page.keyboard.press('Enter')
    await page.getByText('nightly is added.').waitFor()
    await row(page, 'nightly').waitFor()
    const { history: _history, next, ...definition } = await show(stage, 'nightly')
    assert.equal(next.length, 5)
    assert.deepEqual(definition, {
      name: 'nightly',
      function: 'report',
      cron: '30 3 * * *',
      timezone: 'Europe/Berlin',
      missed: 'skip',
      overlap: true,
      priority: 'normal',
      origin: 'runtime',
      paused: false,
    })
    await page.context().close()
  })

  test('what is wrong is said at its field, as the server says it', async () => {
    const page = await stage.page('schedules')
    await page.getByRole('button', { name: 'Add a schedule' }).click()
    const dialog = page.getByRole('dialog')
    const cron = dialog.getByRole('textbox', { name: 'Cron' })
    await cron.fill('61 * * * *')
    await dialog.getByRole('alert').getByText('cron has "61" as its minute').waitFor()
    assert.equal(await cron.getAttribute('aria-invalid'), 'true')
    assert.match((await describedBy(page, 'Cron')) ?? '', /^cron has "61" as its minute: allowed are 0 to 59/)
    await cron.fill('0 * * * *')
    await dialog.locator('.schedule-next li').nth(4).waitFor()
    assert.equal(await cron.getAttribute('aria-invalid'), 'false')
    await dialog.getByRole('combobox', { name: 'Time zone' }).fill('Europe/Berlim')
    await dialog.getByText('did you mean Europe/Berlin?').waitFor()
    await dialog.getByRole('combobox', { name: 'Time zone' }).fill('UTC')
    await dialog.getByRole('radio', { name: 'Once' }).check()
    await dialog.getByRole('textbox', { name: 'At' }).fill('2020-01-01 03:00')
    await dialog.getByText('It never comes: this has passed.').waitFor()
    await dialog.getByRole('textbox', { name: 'Name' }).fill('of-the-file')
    await dialog.getByRole('combobox', { name: 'Function' }).fill('f')
    await dialog.getByRole('button', { name: 'Add' }).click()
    await dialog.getByText('name is taken').waitFor()
    assert.match((await describedBy(page, 'Name')) ?? '', /^name is taken/)
    await dialog.getByRole('textbox', { name: 'Name' }).fill('x'.repeat(55))
    await dialog.getByRole('button', { name: 'Add' }).click()
    await dialog.getByText('name must be 1 to 54 bytes').waitFor()
    await dialog.getByRole('textbox', { name: 'Name' }).fill('late')
    await dialog.getByRole('button', { name: 'Add' }).click()
    await dialog.getByText('at must be a date to come').waitFor()
    assert.deepEqual(await violations(page), [])
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    assert.equal((await fetch(`${stage.origin}/api/schedules/late`)).status, 404)
    stage.forgiveFaults(/40[04]/)
    await page.context().close()
  })

  for (const theme of ['light', 'dark'] as const) {
    test(`names are text, whatever is in them, and all can read them (${theme})`, async () => {
      await put(stage, { name: hostile, function: hostile, every: '1h' })
      const page = await stage.page('schedules', { theme, width: 400 })
      await row(page, hostile).waitFor()
      assert.equal(await page.locator('main img').count(), 0)
      assert.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true)
      assert.deepEqual(await violations(page), [])
      await page.getByRole('button', { name: 'Add a schedule' }).click()
      await page.getByRole('textbox', { name: 'Cron' }).fill('0 3 * * *')
      await page.locator('.schedule-next li').nth(4).waitFor()
      assert.deepEqual(await violations(page), [])
      await page.keyboard.press('Escape')
      await row(page, hostile).getByRole('link', { name: hostile }).first().click()
      await page.getByRole('heading', { level: 1, name: hostile }).waitFor()
      assert.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true)
      assert.deepEqual(await violations(page), [])
      await page.context().close()
    })
  }
})

test('without a schedule, it is said how to add one', { skip }, async () => {
  await using stage = await Stage.open()
  const page = await stage.page('schedules')
  await page.getByText('There is no schedule').waitFor()
  await page.getByText("geartrain schedule add nightly report --cron '0 3 * * *'").waitFor()
  assert.deepEqual(await violations(page), [])
})

/** Who may look at everything, and operate some of it. */
const mixed = {
  looks: { token: hashToken('mixed'), roles: 'view' },
  operates: { token: hashToken('mixed'), roles: 'operate', functions: theirs },
} as const

test('who may only look sees no buttons, and those of others not at all', { skip }, async () => {
  await using stage = await Stage.open({ access: { ...rules, ...mixed } })
  for (const name of [theirs, 'other']) await put(stage, { name, function: name, every: '1h' }, 'token-of-all')
  for (const [token, rows, mayChange] of [
    [tokenOf('view'), 1, false],
    [tokenOf('operate'), 1, true],
    ['mixed', 2, true],
  ] as const) {
    const page = await stage.page('schedules', { token })
    await row(page, theirs).waitFor()
    assert.equal(await page.locator('tr[data-row]').count(), rows)
    assert.equal(await page.getByRole('button', { name: 'Run now' }).count(), mayChange ? 1 : 0)
    assert.equal(await page.getByRole('button', { name: 'Add a schedule' }).count(), mayChange ? 1 : 0)
    await page.goto(`${stage.origin}/schedule?name=${theirs}`)
    await page.getByText('Next times').waitFor()
    assert.equal(await page.getByRole('button', { name: 'Change' }).count(), mayChange ? 1 : 0)
    assert.equal(await page.getByRole('button', { name: 'Remove' }).count(), mayChange ? 1 : 0)
    await page.goto(`${stage.origin}/schedule?name=other`)
    await page.getByText(rows === 1 ? 'There is no schedule “other”' : 'Next times').waitFor()
    assert.equal(await page.getByRole('button', { name: 'Run now' }).count(), 0)
    await page.context().close()
  }
  stage.forgiveFaults(/404/)
})

function row(page: Page, text: string) {
  return page.locator('tr[data-row]').filter({ hasText: text })
}

/** What is said below a field. */
async function describedBy(page: Page, label: string): Promise<string | null> {
  const field = page.getByRole('dialog').getByLabel(label, { exact: true })
  return page.locator(`[id="${await field.getAttribute('aria-describedby')}"]`).textContent()
}

async function put(stage: Stage, { name, ...definition }: ScheduleDefinition, token?: string): Promise<void> {
  const answer = await fetch(`${stage.origin}/api/schedules/${encodeURIComponent(name)}`, {
    method: 'PUT',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(definition),
  })
  assert.equal(answer.status, 200, await answer.text())
}

async function show(stage: Stage, name: string): Promise<ScheduleState> {
  // As the API's description says.
  return (await (await fetch(`${stage.origin}/api/schedules/${encodeURIComponent(name)}`)).json()) as ScheduleState
}
