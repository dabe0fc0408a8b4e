import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import { scratch } from '../../cli/command.ts'
import { Stage, skip } from '../stage.ts'
import { fill, placesOf, placesOptions, plainWords, rowOf, settled } from './places.ts'

const { function: name, worker, schedule } = plainWords

/** What each page shows of a server that knows nothing of what there was. */
const nothingLeft: Readonly<Record<string, (page: Page) => Locator>> = {
  function: (page) => page.getByText('Nobody has used this function yet'),
  'a dead job': unknownJob,
  'a complete job': unknownJob,
  'a running job': unknownJob,
  'a delayed job': unknownJob,
  'a ready job': unknownJob,
  'a job that is gone': unknownJob,
  schedules: (page) => page.getByText('There is no schedule'),
  schedule: (page) => page.getByText(`There is no schedule “${schedule}”`),
  failures: (page) => page.getByText('No job is dead'),
  'unknown page': (page) => page.getByText('There is no page here'),
}

/** And what is not there any more. */
const gone: Readonly<Record<string, (page: Page) => Locator>> = {
  overview: (page) => rowOf(page, name),
  functions: (page) => rowOf(page, name),
  jobs: (page) => rowOf(page, 'H:all'),
  workers: (page) => rowOf(page, worker),
  connections: (page) => rowOf(page, worker),
  servers: (page) => rowOf(page, name),
}

function unknownJob(page: Page): Locator {
  return page.getByText(/This job is not known here|The server knows this job no longer/)
}

function banner(page: Page): Locator {
  return page.getByRole('alert').filter({ hasText: 'The server does not answer.' })
}

test('each page says that the server is away, and goes on by itself with another one', { skip }, async () => {
  await using stage = await Stage.open({ ...placesOptions, store: 'memory' })
  const places = placesOf(await fill(stage))
  const pages = new Map<string, Page>()
  for (const place of places) {
    const page = await stage.page(place.path)
    await settled(page, place)
    await page.evaluate('window.isTheSame = true')
    pages.set(place.name, page)
  }
  const each = (what: (page: Page, of: string) => Promise<void>) =>
    Promise.all(
      Array.from(pages, async ([of, page]) => {
        await what(page, of).catch((error: unknown) => assert.fail(`${of}: ${String(error)}`))
      }),
    )
  await stage.restart(async () => {
    await each(async (page, of) => {
      await banner(page).waitFor()
      // What was known is still there to be read.
      const place = places.find((one) => one.name === of)
      await place?.shown(page).waitFor()
    })
  })
  await each(async (page, of) => {
    await banner(page).waitFor({ state: 'detached' })
    await nothingLeft[of]?.(page).waitFor()
    await gone[of]?.(page).waitFor({ state: 'detached' })
    assert.equal(await page.evaluate('window.isTheSame'), true)
  })
  // And what comes then is seen as it was before.
  await fill(stage)
  await each(async (page, of) => {
    if (of in gone) await gone[of]?.(page).waitFor()
    if (of === 'schedules') await rowOf(page, schedule).waitFor()
    if (of === 'failures') await rowOf(page, 'relay').waitFor()
    assert.equal(await page.evaluate('window.isTheSame'), true)
  })
  stage.forgiveFaults(/net::ERR_|404 \(/)
})

test('jobs of a store that stays are what they are then', { skip }, async () => {
  using directory = scratch()
  await using stage = await Stage.open({ ...placesOptions, store: `sqlite:${directory.path('jobs.db')}` })
  const handles = await fill(stage)
  const [dead, running, list] = await Promise.all([
    stage.page(`job?handle=${handles.dead}`),
    stage.page(`job?handle=${handles.running}`),
    stage.page('jobs?q=state:running'),
  ])
  await rowOf(list, handles.running).waitFor()
  await running.getByRole('heading', { level: 1, name: `${handles.running} running` }).waitFor()
  await stage.restart(async () => {
    for (const page of [dead, running, list]) await banner(page).waitFor()
  })
  for (const page of [dead, running, list]) await banner(page).waitFor({ state: 'detached' })
  await running.getByRole('heading', { level: 1, name: `${handles.running} dead: lost` }).waitFor()
  await rowOf(list, handles.running).waitFor({ state: 'detached' })
  await dead.getByRole('heading', { level: 1, name: `${handles.dead} dead` }).waitFor()
  await dead.getByRole('button', { name: 'Retry' }).click()
  await dead.getByRole('heading', { level: 1, name: `${handles.dead} ready` }).waitFor()
  stage.forgiveFaults(/net::ERR_|404 \(/)
})
