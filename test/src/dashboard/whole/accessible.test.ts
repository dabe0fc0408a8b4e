import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { hashToken } from '@geartrain/server'
import type { Page } from 'playwright-core'
import { Stage, skip, violations } from '../stage.ts'
import { dialogsOf } from './dialogs.ts'
import { type Handles, openPlaces, placesOf, placesOptions, plainWords, settled } from './places.ts'

type Looks = readonly (readonly [theme: 'light' | 'dark', width: number])[]

const bothWays: Looks = [
  ['light', 1280],
  ['dark', 400],
]
const allWays: Looks = [...bothWays, ['dark', 1280]]

/** What axe finds on the page in each of the looks. */
async function inLooks(page: Page, looks: Looks): Promise<string[]> {
  const found: string[] = []
  for (const [colorScheme, width] of looks) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    await page.setViewportSize({ width, height: 900 })
    await page.evaluate('Promise.allSettled(document.getAnimations().map(({ finished }) => finished))')
    found.push(...(await violations(page)).map((violation) => `${colorScheme} ${width}: ${violation}`))
  }
  return found
}

describe('what axe finds', { skip }, () => {
  let stage: Stage
  let handles: Handles
  before(async () => {
    ;[stage, handles] = await openPlaces()
  })
  after(async () => {
    stage.forgiveFaults(/404 \(Not Found\)/)
    await stage[Symbol.asyncDispose]()
  })

  test('on no page anything, in both themes and on a phone', async () => {
    for (const place of placesOf(handles)) {
      const page = await stage.page(place.path)
      await settled(page, place)
      assert.deepEqual(await inLooks(page, allWays), [], place.name)
      await page.context().close()
    }
  })

  test('nor in a dialog', async () => {
    for (const { name, path, button } of dialogsOf(handles)) {
      const page = await stage.page(path)
      await button(page).click()
      await page.getByRole('dialog').waitFor()
      assert.deepEqual(await inLooks(page, bothWays), [], name)
      await page.context().close()
    }
  })

  test('nor where the policy is edited, and in what the filter suggests', async () => {
    const policy = await stage.page(`function?name=${plainWords.function}`)
    await policy.getByRole('button', { name: 'Edit' }).click()
    await policy.getByLabel('attempts', { exact: true }).fill('7')
    assert.deepEqual(await inLooks(policy, bothWays), [])
    await policy.context().close()
    const jobs = await stage.page('jobs')
    await jobs.getByRole('combobox', { name: 'Filter' }).pressSequentially('sta')
    await jobs.getByRole('option').first().waitFor()
    assert.deepEqual(await inLooks(jobs, bothWays), [])
    await jobs.context().close()
  })
})

test('nor where nothing is there yet', { skip }, async () => {
  await using stage = await Stage.open(placesOptions)
  for (const path of ['', 'functions', 'jobs', 'workers', 'schedules', 'failures', 'servers']) {
    const page = await stage.page(path)
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.waitForLoadState('networkidle')
    assert.deepEqual(await inLooks(page, bothWays), [], path)
    await page.context().close()
  }
})

test('nor where somebody signs in, or has shown a wrong token', { skip }, async () => {
  await using stage = await Stage.open({ access: { ops: { token: hashToken('secret'), roles: 'admin' } } })
  const page = await stage.page()
  await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor()
  assert.deepEqual(await inLooks(page, bothWays), [])
  await page.getByLabel('Token').fill('wrong')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('alert').filter({ hasText: /\S/ }).waitFor()
  assert.deepEqual(await inLooks(page, bothWays), [])
  stage.forgiveFaults(/401 \(Unauthorized\)/)
})
