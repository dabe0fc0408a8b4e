import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { ScheduleDefinition, ScheduleState } from '@geartrain/protocol'
import { Stage, skip, violations } from './stage.ts'

describe('the page of a schedule', { skip }, () => {
  let stage: Stage
  before(async () => {
    stage = await Stage.open({ schedules: [{ name: 'of-the-file', function: 'report', cron: '@daily' }] })
  })
  after(() => stage[Symbol.asyncDispose]())

  test('has its next times, its runs and its workload', async () => {
    await put({
      name: 'poll',
      function: 'fetch',
      every: '1h',
      workload: { text: '{"feed":"<b>news</b>"}' },
      overlap: false,
      then: 'index',
    })
    const page = await stage.page('schedule?name=poll')
    await page.getByText('It has not run yet').waitFor()
    await page.getByRole('region', { name: 'Workload' }).getByText('{"feed":"<b>news</b>"}').waitFor()
    assert.equal(await page.locator('.schedule-times li').count(), 10)
    const facts = (await page.locator('.schedule-facts').textContent()) ?? ''
    assert.match(facts, /Functionfetch.*Timesevery 1h.*skips while the last job has not ended.*Thenindex/)
    await page.getByRole('button', { name: 'Run now' }).click()
    await page.getByRole('row').getByText('submitted', { exact: true }).waitFor()
    // Somebody else runs it, and the first job has not ended.
    await fetch(`${stage.origin}/api/schedules/poll/run`, { method: 'POST' })
    await page.getByText('skipped: still running').waitFor()
    const [, { handle = '' } = {}] = (await show('poll')).history
    await page.getByRole('link', { name: handle }).first().click()
    await page.waitForURL((url) => url.pathname === '/job' && url.searchParams.get('handle') === handle)
    await page.context().close()
  })

  test('changes it, and what is not changed stays', async () => {
    const before: ScheduleDefinition = {
      name: 'bytes',
      function: 'fetch',
      cron: '0 3 * * *',
      timezone: 'Europe/Berlin',
      workload: { base64: '/wA=' },
      missed: 'all',
      overlap: false,
      priority: 'low',
      unique: 'u',
      then: 'index',
      paused: true,
    }
    await put(before)
    const page = await stage.page('schedule?name=bytes')
    await page.getByRole('button', { name: 'Change' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('The workload is 2 B that are no text').waitFor()
    assert.equal(await dialog.getByRole('textbox', { name: 'Name' }).isEditable(), false)
    await dialog.getByRole('textbox', { name: 'Cron' }).fill('0 4 * * *')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await page.getByText('bytes is changed.').waitFor()
    await page.locator('.schedule-facts').getByText('0 4 * * *').waitFor()
    const { next: _next, history: _history, origin: _origin, ...now } = await show('bytes')
    assert.deepEqual(now, { ...before, cron: '0 4 * * *' })
    // Another workload, of text.
    await page.getByRole('button', { name: 'Change' }).click()
    await dialog.getByRole('button', { name: 'Write another one' }).click()
    await dialog.getByRole('textbox', { name: 'Workload' }).fill('a\n"ü"')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('region', { name: 'Workload' }).getByText('"ü"').waitFor()
    assert.deepEqual((await show('bytes')).workload, { text: 'a\n"ü"' })
    await page.context().close()
  })

  test('tells of one that is paused, and when it is removed there is no page any more', async () => {
    await put({ name: 'shared', function: 'f', every: '1h' })
    const page = await stage.page('schedule?name=shared')
    await page.getByRole('main').getByRole('button', { name: 'Pause' }).waitFor()
    await fetch(`${stage.origin}/api/schedules/shared/pause`, { method: 'POST' })
    await page.getByText('None while it is paused.').waitFor()
    await page.getByRole('heading', { level: 1 }).getByText('paused').waitFor()
    await fetch(`${stage.origin}/api/schedules/shared`, { method: 'DELETE' })
    await page.getByText('There is no schedule “shared”, or not any more.').waitFor()
    stage.forgiveFaults(/404/)
    await page.context().close()
  })

  test('removes it, and goes to the others', async () => {
    await put({ name: 'old', function: 'f', every: '1h' })
    const page = await stage.page('schedule?name=old')
    await page.getByRole('button', { name: 'Remove' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
    await page.waitForURL((url) => url.pathname === '/schedules')
    await page.locator('tr[data-row]').filter({ hasText: 'of-the-file' }).waitFor()
    assert.equal((await fetch(`${stage.origin}/api/schedules/old`)).status, 404)
    stage.forgiveFaults(/404/)
    await page.context().close()
  })

  for (const theme of ['light', 'dark'] as const) {
    test(`says that one of the configuration file is changed there (${theme})`, async () => {
      const page = await stage.page('schedule?name=of-the-file', { theme })
      await page.getByText('The configuration file, where it is changed and removed').waitFor()
      for (const name of ['Change', 'Remove']) {
        assert.equal(await page.getByRole('button', { name }).isDisabled(), true)
      }
      assert.deepEqual(await violations(page), [])
      await page.context().close()
    })
  }

  test('without a name, or with one that is none, says so', async () => {
    const page = await stage.page('schedule')
    await page.getByText('The address names no schedule.').waitFor()
    await page.goto(`${stage.origin}/schedule?name=${encodeURIComponent('<b>no/pe')}`)
    await page.getByText('There is no schedule “<b>no/pe”').waitFor()
    assert.deepEqual(await violations(page), [])
    stage.forgiveFaults(/404/)
    await page.context().close()
  })

  async function put({ name, ...definition }: ScheduleDefinition): Promise<void> {
    const answer = await fetch(`${stage.origin}/api/schedules/${encodeURIComponent(name)}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(definition),
    })
    assert.equal(answer.status, 200, await answer.text())
  }

  async function show(name: string): Promise<ScheduleState> {
    // As the API's description says.
    return (await (await fetch(`${stage.origin}/api/schedules/${name}`)).json()) as ScheduleState
  }
})
