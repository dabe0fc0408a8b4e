import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, test } from 'node:test'
import { hashToken } from '@geartrain/server'
import type { Page } from 'playwright-core'
import { scratch } from '../../cli/command.ts'
import { Stage, skip } from '../stage.ts'
import { Caller, fill, placesOf, placesOptions, plainWords, rowOf, settled } from './places.ts'
import { Proxy } from './proxy.ts'

const prefix = '/tools/jobs'

function live(page: Page) {
  return page.getByRole('navigation').getByRole('status').filter({ hasText: 'Live' })
}

function figure(page: Page, text: string) {
  return page.getByRole('region', { name: 'Figures' }).getByRole('link', { name: new RegExp(`^${text}\\b`) })
}

describe('behind a proxy that shows it below a path', { skip }, () => {
  test('each page is there, also when it is loaded again, and asks for nothing beside it', async () => {
    await using stage = await Stage.open(placesOptions)
    await using proxy = await Proxy.start(stage.origin, prefix)
    const handles = await fill(stage)
    const page = await stage.page('nothing')
    for (const place of placesOf(handles)) {
      await page.goto(`${proxy.address}/${place.path}`)
      await settled(page, place)
      await live(page).waitFor()
      const links = (await page.evaluate('Array.from(document.links, ({ href }) => href)')) as string[]
      assert.deepEqual(
        links.filter((link) => !link.startsWith(`${proxy.address}/`)),
        [],
        place.name,
      )
      await page.reload()
      await settled(page, place)
    }
    assert.deepEqual(proxy.strays, [])
    await page.context().close()
    stage.forgiveFaults(/404 \(Not Found\)|ERR_INCOMPLETE_CHUNKED_ENCODING/)
  })

  test('links lead to pages below it, and back', async () => {
    await using stage = await Stage.open(placesOptions)
    await using proxy = await Proxy.start(stage.origin, prefix)
    const handles = await fill(stage)
    const page = await stage.page('nothing')
    await page.goto(`${proxy.address}/`)
    const nav = page.getByRole('navigation', { name: 'Pages' })
    for (const name of ['Functions', 'Jobs', 'Workers', 'Schedules', 'Failures', 'Servers', 'Overview']) {
      await nav.getByRole('link', { name }).click()
      await page.getByRole('heading', { level: 1, name }).waitFor()
      assert.equal(page.url(), `${proxy.address}/${name === 'Overview' ? '' : name.toLowerCase()}`)
      assert.equal(await nav.getByRole('link', { name }).getAttribute('aria-current'), 'page')
    }
    await page.keyboard.press('g')
    await page.keyboard.press('j')
    await page
      .getByRole('link', { name: handles.dead })
      .or(page.getByRole('link', { name: handles.ready }))
      .first()
      .click()
    await page.getByRole('heading', { level: 1, name: /^H:all:/ }).waitFor()
    await page.getByRole('link', { name: plainWords.function }).first().click()
    await page.getByRole('heading', { level: 1, name: plainWords.function }).waitFor()
    assert.equal(page.url(), `${proxy.address}/function?name=${plainWords.function}`)
    await page.goBack()
    await page.getByRole('heading', { level: 1, name: /^H:all:/ }).waitFor()
    await page.getByRole('link', { name: 'its other jobs' }).click()
    await page.getByRole('heading', { level: 1, name: 'Jobs' }).waitFor()
    assert.deepEqual(proxy.strays, [])
    await page.context().close()
    stage.forgiveFaults(/404 \(Not Found\)|ERR_INCOMPLETE_CHUNKED_ENCODING/)
  })

  test('it is live, does what is asked of it, and gives payloads away', async () => {
    using directory = scratch()
    await using stage = await Stage.open({ ...placesOptions, store: `sqlite:${directory.path('jobs.db')}` })
    await using proxy = await Proxy.start(stage.origin, prefix)
    const { dead, ready } = await fill(stage)
    const page = await stage.page('nothing')
    await page.goto(`${proxy.address}/`)
    await figure(page, 'Queued 1').waitFor()
    await stage.client.submitBackground('another', '')
    await figure(page, 'Queued 2').waitFor()
    await page.goto(`${proxy.address}/job?handle=${dead}`)
    await page.getByRole('button', { name: 'Retry' }).click()
    await page.getByRole('heading', { level: 1, name: `${dead} ready` }).waitFor()
    assert.equal(await new Caller(stage.origin).stateOf(dead), 'ready')
    await page.goto(`${proxy.address}/job?handle=${ready}`)
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download' }).click(),
    ])
    assert.equal(await readFile(await download.path(), 'utf8'), plainWords.workload)
    await page.goto(`${proxy.address}/function?name=${plainWords.function}`)
    await page.getByRole('button', { name: 'Pause', exact: true }).last().click()
    await page.getByRole('button', { name: 'Resume' }).first().waitFor()
    assert.deepEqual(proxy.strays, [])
    await page.context().close()
    stage.forgiveFaults(/404 \(Not Found\)|ERR_INCOMPLETE_CHUNKED_ENCODING/)
  })

  test('somebody signs in at a deep address, sees it, and signs out', async () => {
    await using stage = await Stage.open({
      ...placesOptions,
      access: { ops: { token: hashToken('secret'), roles: 'admin' } },
    })
    await using proxy = await Proxy.start(stage.origin, prefix)
    const { dead } = await fill(stage, plainWords, 'secret')
    const page = await stage.page('nothing')
    await page.goto(`${proxy.address}/job?handle=${dead}`)
    await page.getByLabel('Token').fill('secret')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('heading', { level: 1, name: `${dead} dead` }).waitFor()
    await live(page).waitFor()
    await page.reload()
    await page.getByRole('heading', { level: 1, name: `${dead} dead` }).waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor()
    assert.deepEqual(proxy.strays, [])
    await page.context().close()
    stage.forgiveFaults(/404 \(Not Found\)|ERR_INCOMPLETE_CHUNKED_ENCODING/)
  })

  test('one that ends streams again and again is nobody’s trouble', async () => {
    await using stage = await Stage.open(placesOptions)
    await using proxy = await Proxy.start(stage.origin, prefix, { streamMs: 2000 })
    await fill(stage)
    const page = await stage.page('nothing')
    await page.addInitScript(`
      window.alarms = []
      new MutationObserver(() => {
        const alarm = document.querySelector('[role=alert]')?.textContent
        if (alarm && window.alarms.at(-1) !== alarm) window.alarms.push(alarm)
      }).observe(document, { childList: true, subtree: true })`)
    await page.goto(`${proxy.address}/`)
    for (let queued = 1; proxy.cuts < 3 || queued < 3; queued++) {
      await figure(page, `Queued ${queued}`).waitFor()
      await stage.client.submitBackground('another', '')
      await rowOf(page, 'another').waitFor()
    }
    await live(page).waitFor()
    assert.deepEqual(await page.evaluate('window.alarms'), [])
    await page.context().close()
    stage.forgiveFaults(/404 \(Not Found\)|ERR_INCOMPLETE_CHUNKED_ENCODING/)
  })
})
