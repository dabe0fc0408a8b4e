import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { wire } from '../../http/office.ts'
import { FakeServer, honest } from '../../watch/fake-server.ts'
import { Stage, skip, watchFaults } from '../stage.ts'
import { hostileTexts, hostileWords, parameters } from './hostile-words.ts'
import { Caller, fill, type Handles, placesOf, placesOptions, plainWords, rowOf, settled, visible } from './places.ts'

/** What no text may have led to. */
const harm = `[
  ...('trapped' in window || 'trapped' in {} ? ['a script has run'] : []),
  ...(document.documentElement.scrollWidth > innerWidth ? ['it overflows sideways: ' + document.documentElement.scrollWidth] : []),
  ...[...document.querySelectorAll('*')].flatMap((element) => [
    ...(element.matches('img, iframe, object, embed, base, style, script:not([src]), body script') ? [element.outerHTML] : []),
    ...[...element.attributes]
      .filter(({ name, value }) => name.startsWith('on') || /^(href|src|action|formaction|xlink:href)$/.test(name) && /^\\s*(javascript|data|vbscript):/i.test(value))
      .map(({ name, value }) => name + '=' + value),
    ...(element.matches('a[href]') && new URL(element.href).origin !== location.origin ? ['leads to ' + element.href] : []),
  ]),
]`

/** The page has all of them as text, or whole in a title where it is cut off. */
async function assertShown(page: Page, texts: readonly string[], what: string): Promise<void> {
  // The page itself looks again with each picture of it: what is asked for by itself comes a little later.
  const missing = (await page.evaluate(`(async () => {
    const texts = ${JSON.stringify(texts)}
    const until = performance.now() + 10_000
    for (;;) {
      const fields = [...document.querySelectorAll('[title], input, textarea')]
      const shown = [document.body.textContent, ...fields.map((each) => each.title + '\\n' + (each.value ?? ''))].join('\\n')
      const missing = texts.filter((text) => !shown.includes(text))
      if (missing.length === 0 || performance.now() > until) return missing
      await new Promise(requestAnimationFrame)
    }
  })()`)) as string[]
  assert.deepEqual(
    missing.map((text) => text.slice(0, 200)),
    [],
    `${what} does not show it`,
  )
}

describe('text is text, whatever is in it', { skip }, () => {
  let stage: Stage
  let fake: FakeServer
  const all = new Map<string, Handles>()
  before(async () => {
    const names = hostileWords.map((words) => wire(words.function))
    fake = await FakeServer.start(
      honest({
        version: `OK ${wire(hostileWords[0]?.function ?? '')}\n`,
        status: names.map((name) => `${name.replaceAll(/[\t\n]/g, '')}\t3\t1\t2\n`).join('') + '.\n',
        workers:
          names
            .map((name, index) => `${index} ${name.replaceAll(/\s/g, '')} ${name.replaceAll(/\s/g, '')} : ${name}\n`)
            .join('') + '.\n',
      }),
    )
    stage = await Stage.open({ ...placesOptions, watch: [fake.address] })
    for (const words of hostileWords) all.set(words.name, await fill(stage, words))
    for (const { name, worker } of hostileWords) {
      const clientId = worker.replaceAll(/[\s\p{C}]/gu, '')
      await stage
        .worker({ clientId })
        .handle(`of ${name}`, () => '')
        .start()
    }
  })
  after(async () => {
    // What the server refuses because it knows no such thing, or can't be asked for it.
    stage.forgiveFaults(/40[04] \((Not Found|Bad Request)\)/)
    await stage[Symbol.asyncDispose]()
    await fake[Symbol.asyncDispose]()
  })

  /** A phone's page on which nothing but what the server refuses may go wrong. */
  async function open(path: string): Promise<{ readonly page: Page; check(what: string): Promise<void> }> {
    const page = await stage.page(path, { width: 400 })
    page.setDefaultTimeout(10_000)
    const faults: string[] = []
    watchFaults(page, (fault) => faults.push(fault))
    page.on('dialog', (dialog) => {
      faults.push(`a dialog: ${dialog.message()}`)
      void dialog.dismiss()
    })
    const check = async (what: string) => {
      assert.deepEqual(await page.evaluate(harm), [], what)
      assert.deepEqual(
        faults.filter((fault) => !/status of 40[04]/.test(fault)),
        [],
        what,
      )
    }
    return { page, check }
  }

  const lists: readonly (readonly [
    string,
    ((words: (typeof hostileWords)[number]) => readonly string[]) | undefined,
  ])[] = [
    ['', undefined],
    ['functions', (words) => [words.function]],
    ['functions?group=prefix', undefined],
    ['jobs', (words) => [words.function, words.unique, words.worker]],
    ['jobs?q=state:dead', (words) => [words.function, words.error.slice(0, 40)]],
    ['workers', (words) => [words.function, words.worker]],
    ['workers?show=all', (words) => [words.function, words.worker]],
    ['schedules', (words) => [words.schedule]],
    ['failures', (words) => [words.function]],
    ['servers', (words) => [words.function]],
    ['servers?view=workers&group=function', undefined],
    ['servers?view=servers', undefined],
  ]
  for (const [path, textsOf] of lists) {
    test(`in the list /${path}`, async () => {
      const { page, check } = await open(path)
      await page
        .locator('tr[data-row]')
        .nth(path === '' || path === 'servers?view=servers' ? 0 : hostileWords.length - 1)
        .waitFor()
      if (textsOf !== undefined) await assertShown(page, hostileWords.flatMap(textsOf), path)
      await check(path)
      await page.context().close()
    })
  }

  for (const words of hostileWords) {
    test(`on all pages of one thing: ${words.name}`, async () => {
      const { page, check } = await open('')
      const handles = all.get(words.name)
      assert.ok(handles)
      for (const place of placesOf(handles, words).filter(
        ({ path }) => path.includes('?') && !path.startsWith('workers'),
      )) {
        await page.goto(`${stage.origin}/${place.path}`)
        await settled(page, place)
        await check(`${words.name}, ${place.name}`)
      }
      await page.goto(`${stage.origin}/job?${new URLSearchParams({ handle: handles.dead }).toString()}`)
      await page.getByRole('heading', { name: 'Facts' }).waitFor()
      await assertShown(
        page,
        [words.function, words.unique, words.error.split('\n')[0] ?? ''],
        `${words.name}, dead job`,
      )
      await page.goto(`${stage.origin}/job?${new URLSearchParams({ handle: handles.running }).toString()}`)
      await page.getByRole('heading', { name: 'Facts' }).waitFor()
      await assertShown(page, [words.function, words.unique, words.worker], `${words.name}, running job`)
      await page.goto(`${stage.origin}/schedule?${new URLSearchParams({ name: words.schedule }).toString()}`)
      await page.getByRole('heading', { level: 1, name: words.schedule }).or(page.locator('h1')).first().waitFor()
      await assertShown(page, [words.schedule], `${words.name}, schedule`)
      await page.context().close()
    })
  }

  test('what a worker tells while the page is open', async () => {
    const caller = new Caller(stage.origin)
    const { page, check } = await open('')
    for (const words of hostileWords) {
      const chatty = { ...words, function: `chatty ${words.name}` }
      const handle = await stage.client.submitBackground(chatty.function, '')
      const tell = await caller.take(chatty)
      await page.goto(`${stage.origin}/job?${new URLSearchParams({ handle }).toString()}`)
      await page.getByText('appear here as they come').waitFor()
      // Those who listen are told of it, and nobody else: it is told until somebody has heard it.
      const heard = page.getByRole('main').getByText(words.data.slice(0, 20).trim()).nth(2)
      await tell('data', words.data)
      await tell('warning', words.warning)
      await heard.waitFor()
      await check(words.name)
      await tell('complete', words.result)
    }
    await page.context().close()
  })

  test('in questions, forms and what the server says of them', async () => {
    const { page, check } = await open('')
    for (const words of hostileWords) {
      await page.goto(`${stage.origin}/function?${new URLSearchParams({ name: words.function }).toString()}`)
      await page.getByRole('button', { name: 'Purge' }).click()
      await page.getByRole('dialog').waitFor()
      await check(`${words.name}, question`)
      await page.keyboard.press('Escape')
      // Names with control characters in them have no policy.
      if (visible(words.function) === words.function) {
        await page.getByRole('button', { name: 'Edit' }).click()
        await page.getByLabel('attempts', { exact: true }).fill(words.unique.replaceAll(/\s/g, ' '))
        await page.getByText('attempts must be').first().waitFor()
        await check(`${words.name}, policy`)
      }
      await page.goto(`${stage.origin}/jobs`)
      const filter = page.getByRole('combobox', { name: 'Filter' })
      await filter.fill(`function:"${words.function.slice(0, 60)}`)
      await check(`${words.name}, filter`)
      await page.goto(`${stage.origin}/schedules`)
      await page.getByRole('button', { name: 'Add a schedule' }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByRole('textbox', { name: 'Name' }).fill(words.function)
      await dialog.getByRole('combobox', { name: 'Function' }).fill(words.function)
      await dialog.getByRole('textbox', { name: 'Cron' }).fill(words.function)
      await dialog.getByRole('combobox', { name: 'Time zone' }).fill(words.function)
      await dialog.getByRole('alert').filter({ hasText: /\S/ }).first().waitFor()
      await check(`${words.name}, schedule`)
    }
    await page.context().close()
  })

  test('in every parameter of every address', async () => {
    const handles = all.get('markup')
    assert.ok(handles)
    const { page, check } = await open('')
    const paths = new Set(placesOf(handles, plainWords).map(({ path }) => path.replace(/\?.*/, '')))
    for (const path of paths) {
      for (const text of hostileTexts.map((each) => each.slice(0, 150))) {
        const query = parameters.map((name) => `${name}=${text.startsWith('%') ? text : encodeURIComponent(text)}`)
        await page.goto(`${stage.origin}/${path}?${query.join('&')}#${text}`)
        await page.getByRole('heading', { level: 1 }).waitFor()
        await page.locator('main .loading').first().waitFor({ state: 'detached' })
        await check(`/${path} with ${text}`)
      }
    }
    await page.context().close()
  })

  for (const path of [
    '%E0%A4%A',
    '%',
    '%3Cscript%3Ewindow.trapped=1%3C%2Fscript%3E',
    '..%2F..',
    'constructor',
    '__proto__',
  ]) {
    test(`in the path /${path}`, async () => {
      const { page, check } = await open(path)
      // What is no name of a page as far as the server knows gets its problem in place of a page.
      if ((await page.locator('#app').count()) > 0) await page.getByText('There is no page here').waitFor()
      await check(path)
      await page.context().close()
    })
  }

  test('names that an address can not hold are shown all the same', async () => {
    for (const name of ['.', '..']) await stage.client.submitBackground(name, '')
    const { page, check } = await open('functions')
    for (const name of ['.', '..']) {
      await rowOf(page, name).waitFor()
      await page.goto(`${stage.origin}/function?name=${name}`)
      // Its state stands beside the name as soon as it is known.
      const heading = new RegExp(`^${name.replaceAll('.', String.raw`\.`)}( ?no worker)?$`)
      await page.getByRole('heading', { level: 1, name: heading }).waitFor()
      await page.locator('main .loading').first().waitFor({ state: 'detached' })
      await check(name)
      await page.goto(`${stage.origin}/functions`)
    }
    await page.context().close()
  })
})
