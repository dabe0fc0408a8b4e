import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { hashToken } from '@geartrain/server'
import type { Page } from 'playwright-core'
import { Stage, skip } from '../stage.ts'
import {
  fill,
  type Handles,
  type Place,
  placesOf,
  placesOptions,
  plainWords,
  rowOf,
  settled,
  type Words,
} from './places.ts'

const access = {
  all: { token: hashToken('all'), roles: 'admin' },
  views: { token: hashToken('views'), roles: 'view' },
  operates: { token: hashToken('operates'), roles: 'operate', functions: 'mail.*' },
  'views all': { token: hashToken('mixed'), roles: 'view' },
  'operates some': { token: hashToken('mixed'), roles: 'operate', functions: 'mail.*' },
} as const

const otherWords: Words = {
  ...plainWords,
  function: 'secret.other',
  schedule: 'secret-nightly',
  worker: 'secret-worker',
  unique: 'secret-unique',
  workload: '{"secret":"workload"}',
  error: 'a secret error',
}

/** What one may press or fill in that changes nothing on the server, by its name. */
const harmless: readonly RegExp[] = [
  /^(Keys|Pause live|Sign out|Close|Skip to the content)$/,
  /^Copy /,
  /^Filter/,
  /^Show /,
  /^(Text|JSON|Hex|PHP)$/,
  /^(15 min|1 h|6 h|24 h|7 d)$/,
  /^(Oldest first|Newest first|Previous|Next)$/,
  /^(Workers|All connections|Functions|Servers|Function|Without worker only|Only what is set|Try again)$/,
  /^Group by/,
  /^sort: /,
]

/** All that can be pressed or filled in, by what it is called; a column's heading with `sort: `. */
const controls = `Array.from(
  document.querySelectorAll('button, input, select, textarea, [role=button], [role=menuitem], [contenteditable], form'),
  (element) => {
    if (element.matches('form:not([role=search])')) return 'form'
    if (element.matches('form')) return ''
    const label = element.getAttribute('aria-label') ?? element.labels?.[0]?.textContent ?? ''
    const text = (label || element.textContent || element.placeholder || element.title || element.outerHTML).trim()
    return element.matches('nav [aria-pressed]') ? 'Pause live' : element.matches('th button') ? 'sort: ' + text : text
  },
).filter((text) => text !== '')`

async function harmful(page: Page): Promise<string[]> {
  const all = (await page.evaluate(controls)) as string[]
  assert.ok(all.length > 0)
  return all.filter((text) => !harmless.some((pattern) => pattern.test(text)))
}

describe('with rules of access', { skip }, () => {
  let stage: Stage
  let handles: Handles
  let others: Handles
  before(async () => {
    stage = await Stage.open({ ...placesOptions, access })
    handles = await fill(stage, plainWords, 'all')
    others = await fill(stage, otherWords, 'all')
  })
  after(async () => {
    // What is refused, and what is not there for those who may not see it.
    stage.forgiveFaults(/40[134] \(/)
    await stage[Symbol.asyncDispose]()
  })

  test('who may only view finds nothing on any page that changes something', async () => {
    const page = await stage.page('', { token: 'views' })
    for (const place of [...placesOf(handles), ...placesOf(others, otherWords)]) {
      await visit(page, place)
      assert.deepEqual(await harmful(page), [], place.name)
    }
    await page.context().close()
  })

  test('and an admin finds something on each that has something to change', async () => {
    const page = await stage.page('', { token: 'all' })
    for (const place of placesOf(handles)) {
      await visit(page, place)
      const changesNothing = ['functions', 'a job that is gone', 'overview', 'servers', 'unknown page']
      if (!changesNothing.includes(place.name)) assert.notDeepEqual(await harmful(page), [], place.name)
    }
    await page.context().close()
  })

  test('who operates some functions changes those, and sees no others', async () => {
    const page = await stage.page('', { token: 'operates' })
    for (const place of placesOf(handles)) {
      await visit(page, place)
      const text = (await page.evaluate('document.documentElement.outerHTML')) as string
      assert.ok(!text.includes('secret'), place.name)
      const may = await harmful(page)
      assert.ok(!may.some((name) => /Edit|Disconnect/.test(name)), `${place.name}: ${may.join()}`)
    }
    await assertActs(page)
    // What there is of others is to them as what is not there.
    for (const place of placesOf(others, otherWords).filter(({ path }) => path.includes('?'))) {
      await page.goto(`${stage.origin}/${place.path}`)
      await page.getByRole('heading', { level: 1 }).waitFor()
      await page.locator('main .loading').first().waitFor({ state: 'detached' })
      const text = (await page.evaluate('document.body.textContent')) as string
      assert.ok(!text.includes(otherWords.error) && !text.includes(otherWords.workload), place.name)
      if (!place.path.startsWith('workers')) assert.deepEqual(await harmful(page), [], place.name)
    }
    await page.context().close()
  })

  test('who views all and operates some has buttons for those alone', async () => {
    const page = await stage.page('', { token: 'mixed' })
    await assertActs(page)
    for (const place of placesOf(others, otherWords).filter(({ path }) => /^(function|job|schedule)\?/.test(path))) {
      await visit(page, place)
      assert.deepEqual(await harmful(page), [], place.name)
    }
    await page.goto(`${stage.origin}/schedules`)
    await rowOf(page, otherWords.schedule).waitFor()
    assert.equal(await rowOf(page, otherWords.schedule).getByRole('button').count(), 0)
    assert.equal(await rowOf(page, plainWords.schedule).getByRole('button', { name: 'Run now' }).count(), 1)
    await page.goto(`${stage.origin}/failures`)
    await rowOf(page, 'a secret error').waitFor()
    assert.equal(await rowOf(page, 'a secret error').getByRole('button').count(), 0)
    assert.equal(await rowOf(page, 'relay').getByRole('button', { name: 'Retry' }).count(), 1)
    await page.context().close()
  })

  test('nobody finds the way in, and nothing else, whatever the address', async () => {
    const page = await stage.page()
    for (const place of [...placesOf(handles), ...placesOf(others, otherWords)]) {
      await page.goto(`${stage.origin}/${place.path}`)
      await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor()
      await page.waitForLoadState('networkidle')
      const text = (await page.evaluate('document.documentElement.outerHTML')) as string
      for (const word of [...Object.values(plainWords), ...Object.values(otherWords)]) {
        assert.ok(!text.includes(word), `${place.name} has ${word}`)
      }
      assert.deepEqual(await page.evaluate(controls), ['form', 'Token', 'Sign in'], place.name)
    }
    await page.context().close()
  })

  test('a wrong token is said to be one; the right one leads to what was asked for; one leaves again', async () => {
    const page = await stage.page(`job?handle=${handles.dead}`)
    const token = page.getByLabel('Token')
    const signIn = page.getByRole('button', { name: 'Sign in' })
    await token.fill('wrong')
    await signIn.click()
    await page.getByRole('alert').filter({ hasText: /token/i }).waitFor()
    assert.ok(!(await page.getByRole('main').innerText()).includes('wrong'), 'the token is not said again')
    await token.fill('all')
    await signIn.click()
    await page.getByRole('heading', { level: 1, name: `${handles.dead} dead` }).waitFor()
    assert.deepEqual(await page.evaluate('[localStorage.length, sessionStorage.length, document.cookie]'), [0, 0, ''])
    await page.getByRole('button', { name: 'Sign out' }).click()
    await token.waitFor()
    assert.ok(!((await page.evaluate('document.body.textContent')) as string).includes(handles.dead))
    await page.reload()
    await token.waitFor()
    await page.goBack().catch(() => null)
    await page.context().close()
  })

  test('a session that is over while a page is open leads back to the way in', async () => {
    const pages: Page[] = []
    for (const place of placesOf(handles)) {
      const page = await stage.page('', { token: 'views' })
      await visit(page, place)
      pages.push(page)
    }
    const { views, ...left } = access
    stage.server.changeAccess(left)
    try {
      for (const page of pages) {
        await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor()
        const text = (await page.evaluate('document.body.textContent')) as string
        assert.ok(!text.includes(plainWords.function), page.url())
      }
    } finally {
      stage.server.changeAccess({ ...left, views })
    }
    // The page comes back as soon as its reader does.
    const [page] = pages
    await page?.getByLabel('Token').fill('views')
    await page?.getByRole('button', { name: 'Sign in' }).click()
    await page?.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
    for (const each of pages) await each.context().close()
  })

  async function visit(page: Page, place: Place): Promise<void> {
    await page.goto(`${stage.origin}/${place.path}`)
    await settled(page, place)
  }

  /** What may be operated has the buttons for it. */
  async function assertActs(page: Page): Promise<void> {
    const acts = new Map([
      ['function', ['Submit a job', 'Pause', 'Drain', 'Purge']],
      ['a dead job', ['Retry', 'Delete', 'Resubmit edited …']],
      ['a running job', ['Cancel']],
      ['schedules', ['Add a schedule', 'Run now', 'Pause', 'Remove']],
      ['schedule', ['Change', 'Run now', 'Pause', 'Remove']],
      ['failures', ['Retry', 'Delete']],
    ])
    for (const place of placesOf(handles).filter(({ name }) => acts.has(name))) {
      await visit(page, place)
      const found = await harmful(page)
      const missing = (acts.get(place.name) ?? []).filter((act) => !found.includes(act))
      assert.deepEqual(missing, [], `${place.name} has ${found.join(', ')}`)
    }
  }
})
