import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Admin, Client } from '@geartrain/client'
import type { Locator, Page } from 'playwright-core'
import { rules, tokenOf } from '../access/parts.ts'
import { Stage, skip, violations } from './stage.ts'

const hostile = `<script>alert(1)</script> "it's" & %2f/../мир 🚂 ${'long '.repeat(60)}`

function card(page: Page, title: string): Locator {
  return page.getByRole('listitem').filter({ has: page.getByRole('heading', { level: 3 }).filter({ hasText: title }) })
}

/** A figure of the strip, by its name and what it shows. */
function figure(page: Page, text: RegExp): Locator {
  return page.getByRole('region', { name: 'Figures' }).getByRole('link', { name: text })
}

async function overflows(page: Page): Promise<boolean> {
  return page.evaluate('document.documentElement.scrollWidth > innerWidth')
}

describe('the overview of a new server', { skip }, () => {
  let stage: Stage
  before(async () => {
    stage = await Stage.open({ store: 'memory' })
  })
  after(() => stage[Symbol.asyncDispose]())

  test('says that nothing is wrong, what was looked at, and how to begin', async () => {
    const page = await stage.page()
    await page.getByText('Nothing is wrong').waitFor()
    await page.getByText(/jobs without a worker, long waits/).waitFor()
    await page.getByText(`geartrain work -s ${stage.address} reverse -- rev`).waitFor()
    await page.getByText(`geartrain do -s ${stage.address} reverse 'Hello World!' --background`).waitFor()
    await page.getByText('No job is dead.').waitFor()
    await page.getByText('No function has anything to do.').waitFor()
    await figure(page, /^Store commit.*none.*jobs in memory only/).waitFor()
    assert.deepEqual(await violations(page), [])
  })

  test('does not say how to begin when there is a function', async () => {
    const page = await stage.page()
    const begin = page.getByRole('heading', { name: 'The first job' })
    await begin.waitFor()
    await stage.client.submitBackground('reverse', '')
    await begin.waitFor({ state: 'detached' })
    await page.getByRole('link', { name: 'reverse', exact: true }).waitFor()
  })
})

describe('the overview of a server in trouble', { skip }, () => {
  let stage: Stage
  before(async () => {
    const paused = { paused: true }
    stage = await Stage.open({
      store: 'memory',
      functions: { video: paused, sound: paused, [hostile]: paused, mail: { attempts: 1 } },
    })
    for (const name of ['video', 'video', 'sound', hostile]) await stage.client.submitBackground(name, '')
    const worker = stage.worker({ onError() {} }).handle('mail', () => {
      throw new Error(`${hostile}\nat line 3`)
    })
    await worker.start()
    for (let index = 0; index < 6; index++) {
      await stage.client.submitBackground('mail', '')
    }
  })
  after(() => stage[Symbol.asyncDispose]())

  test('says what is wrong, the worst first, with what to type and where to look', async () => {
    const page = await stage.page()
    const failing = card(page, 'mail: 6 of 6 attempts failed')
    await failing.getByText('critical').waitFor()
    await failing.getByText('geartrain dead list mail').waitFor()
    const video = card(page, 'video is paused, and 2 jobs wait')
    await video.getByText('warning').waitFor()
    await video.getByText(/^For \d+ /).waitFor()
    await video.getByText('geartrain function resume video').waitFor()
    await page.getByText('1 critical, 3 warnings').waitFor()
    const titles = await page.getByRole('heading', { level: 3 }).allTextContents()
    assert.match(titles[0] ?? '', /^critical mail/)
    await failing.getByRole('link', { name: 'Its failures' }).click()
    await page.waitForURL('**/failures?function=mail')
  })

  test('copies the command', async () => {
    const page = await stage.page()
    await card(page, 'video is paused').getByRole('button', { name: 'Copy the command' }).click()
    await page.getByText('Copied.').waitFor()
    assert.equal(await page.evaluate('navigator.clipboard.readText()'), 'geartrain function resume video')
  })

  test('resumes a function, by keys alone', async () => {
    const page = await stage.page()
    const begun = new Promise<void>((resolve) => {
      const worker = stage.worker().handle('sound', () => {
        resolve()
        return ''
      })
      void worker.start()
    })
    await card(page, 'sound is paused').getByRole('button', { name: 'Resume' }).focus()
    await page.keyboard.press('Enter')
    await page.getByText('sound goes on.').waitFor()
    await begun
    const sound = card(page, 'sound is paused')
    await sound.getByText('over', { exact: true }).waitFor()
    await page.getByRole('heading', { level: 1 }).focus()
    await sound.waitFor({ state: 'detached' })
  })

  test('leads from figures to where they are explained', async () => {
    const page = await stage.page()
    for (const [text, place] of [
      [/^Queued 3/, '/jobs?q=state%3Aready'],
      [/^Running/, '/jobs?q=state%3Arunning'],
      [/^Delayed/, '/jobs?q=state%3Adelayed'],
      [/^Dead 6/, '/failures'],
      [/^Failed/, '/failures'],
      [/^Workers [12]/, '/workers'],
      [/^Connections \d.*client/, '/workers'],
      [/^Memory.*iB/, '/servers'],
      [/^Event loop delay.* ms/, '/servers'],
      [/^Up.*version \d/, '/servers'],
    ] as const) {
      const link = figure(page, text)
      await link.waitFor()
      assert.equal(await link.getAttribute('href'), place)
    }
  })

  test('shows what jobs have died of', async () => {
    const page = await stage.page()
    const cause = page.getByRole('listitem').filter({ hasText: /6 jobs, the last/ })
    await cause.getByRole('link', { name: '<script>alert(#)</script>' }).click()
    await page.waitForURL('**/failures?function=mail')
  })

  test('shows the functions in which most goes on', async () => {
    const page = await stage.page()
    const row = page.getByRole('row').filter({ hasText: 'video' })
    await row.getByText('paused').waitFor()
    assert.match((await row.textContent()) ?? '', /^videopaused20/)
    await row.getByRole('link').click()
    await page.waitForURL('**/function?name=video')
  })

  test('a hostile name is text, and leads to its function', async () => {
    const page = await stage.page()
    const odd = card(page, '<script>alert(1)</script>')
    await odd.getByRole('link', { name: 'The function' }).click()
    await page.waitForURL('**/function?name=*')
    assert.equal(new URL(page.url()).searchParams.get('name'), hostile)
  })

  for (const theme of ['light', 'dark'] as const) {
    test(`can be read by all: ${theme}`, async () => {
      const page = await stage.page('', { theme })
      await card(page, 'video is paused').waitFor()
      await page.getByText(/6 jobs, the last/).waitFor()
      assert.deepEqual(await violations(page), [])
    })
  }

  test('fits a phone', async () => {
    const page = await stage.page('', { width: 400 })
    await card(page, '<script>alert(1)</script>').waitFor()
    await page.getByText(/6 jobs, the last/).waitFor()
    assert.equal(await overflows(page), false)
  })
})

test('nothing moves where somebody points', { skip }, async () => {
  await using stage = await Stage.open({ store: 'memory', functions: { a: { paused: true } } })
  const fail = () => Promise.reject(new Error('no'))
  await stage
    .worker({ onError() {} })
    .handle('b', fail)
    .handle('a', () => '')
    .start()
  const page = await stage.page()
  await page.getByText('Nothing is wrong').waitFor()
  await page.getByText('No job is dead.').waitFor()
  const below = page.getByRole('region', { name: 'Figures' })
  const place = await below.boundingBox()
  await stage.client.submitBackground('a', '')
  const paused = card(page, 'a is paused')
  await paused.getByRole('link').hover()
  assert.deepEqual(await below.boundingBox(), place, 'there was room for it')

  for (let index = 0; index < 6; index++) await stage.client.submitBackground('b', '')
  await card(page, 'b: 6 of 6 attempts failed').waitFor()
  const order = async () => (await page.getByRole('heading', { level: 3 }).allTextContents()).join()
  assert.match(await order(), /a is paused.*b: /, 'what is worse came below')
  const admin = await Admin.connect(stage.address)
  await admin.resume('a')
  await admin.close()
  await paused.getByText('over', { exact: true }).waitFor()
  assert.match(await order(), /a is paused.*b: /, 'what is over has stayed')
  await page.getByRole('heading', { level: 1 }).hover()
  await paused.waitFor({ state: 'detached' })
})

describe('the overview for those who may not do everything', { skip }, () => {
  let stage: Stage
  before(async () => {
    const paused = { paused: true }
    stage = await Stage.open({ store: 'memory', access: rules, functions: { 'mail.a': paused, other: paused } })
    await using client = new Client(stage.address, { token: 'token-of-all' })
    for (const name of ['mail.a', 'mail.a', 'other']) await client.submitBackground(name, '')
  })
  after(() => stage[Symbol.asyncDispose]())

  test('a viewer sees what is wrong with what it may view, and no button', async () => {
    const page = await stage.page('', { token: tokenOf('view') })
    const mail = card(page, 'mail.a is paused')
    await mail.getByRole('link', { name: 'The function' }).waitFor()
    assert.equal(await mail.getByRole('button', { name: 'Resume' }).count(), 0)
    assert.equal(await card(page, 'other is paused').count(), 0)
    await figure(page, /^Queued 2/).waitFor()
    await figure(page, /^Workers 0 counted by function/).waitFor()
    assert.equal(await figure(page, /^Memory/).count(), 0)
    assert.deepEqual(await violations(page), [])
  })

  test('an operator sees it', async () => {
    const page = await stage.page('', { token: tokenOf('operate') })
    await card(page, 'mail.a is paused').getByRole('button', { name: 'Resume' }).waitFor()
  })

  test('who may view all sees the server', async () => {
    const page = await stage.page('', { token: 'token-of-all' })
    await figure(page, /^Queued 3/).waitFor()
    await figure(page, /^Memory.*iB/).waitFor()
  })
})
