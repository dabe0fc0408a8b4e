import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { wire } from '../http/office.ts'
import { freePort, missing, type Server, startGearmand } from '../support/peers.ts'
import { connect, PACKET, type RawPeer } from '../support/raw.ts'
import { cell, figure, figureText, row, rows } from './servers-parts.ts'
import { Stage, skip, violations } from './stage.ts'

const hostile = '<img/src=x/onerror=alert(1)>"\'&amp;😀'
const skipGearmand = skip === false ? (missing('gearmand') ?? false) : skip

describe('a server beside a gearmand and one that is down', { skip: skipGearmand }, () => {
  let gearmand: Server
  let stage: Stage
  let own: string
  let theirs: string
  let dead: string
  const peers: RawPeer[] = []
  before(async () => {
    gearmand = await startGearmand()
    theirs = `127.0.0.1:${gearmand.port}`
    dead = `127.0.0.1:${await freePort()}`
    stage = await Stage.open({ watch: [theirs, dead] })
    own = stage.address
    const [client, worker] = [await connect(gearmand.port, 'client'), await connect(gearmand.port, 'worker')]
    peers.push(client, worker)
    worker.send(PACKET.SET_CLIENT_ID, 'joe')
    for (const name of ['resize', 'mail.send']) worker.send(PACKET.CAN_DO, name)
    for (const [name, jobs] of [
      ['resize', 3],
      ['report', 2],
      [wire(hostile), 1],
    ] as const) {
      for (let index = 0; index < jobs; index++) await submit(client, name)
    }
    worker.send(PACKET.GRAB_JOB)
    await worker.receive('JOB_ASSIGN')
    await stage.client.submitBackground('resize', '')
  })
  after(async () => {
    await Promise.all(peers.map((peer) => peer.close()))
    await stage[Symbol.asyncDispose]()
    await gearmand.stop()
  })

  let submitted = 0
  async function submit(client: RawPeer | undefined, name: string): Promise<void> {
    assert.ok(client)
    client.send(PACKET.SUBMIT_JOB_BG, name, `unique-${submitted++}`, '')
    await client.receive('JOB_CREATED')
  }

  test('shows the functions of all, what is wrong, and why one can not be asked', async () => {
    const page = await stage.page('servers')
    await page.getByText(`${dead} can not be asked since`).waitFor()
    await row(page, 'report').waitFor()
    assert.match(
      (await page.getByRole('alert').textContent()) ?? '',
      /: nothing listens on .* Nothing is known of it\.$/,
    )
    assert.deepEqual(
      await rows(page),
      [
        ['resize', theirs, '2', '1', '1', 'running'],
        ['report', theirs, '2', '0', '0', 'no worker'],
        [hostile, theirs, '1', '0', '0', 'no worker'],
        ['resize', own, '1', '0', '0', 'no worker'],
        ['mail.send', theirs, '0', '0', '1', 'idle'],
      ].sort(byQueue),
    )
    for (const [name, value] of [
      ['Queued', /^6/],
      ['Running', /^1$/],
      ['Functions', /^4$/],
      ['No worker', /^3$/],
      ['Workers', /^1$/],
      ['Servers', /^31 down, 2 up$/],
    ] as const) {
      assert.match(await figureText(page, name), value, name)
    }
    // Of this server there is a page of the function, of others none.
    assert.equal(await row(page, theirs).getByRole('link').count(), 0)
    await row(page, own).getByRole('link', { name: 'resize' }).click()
    await page.waitForURL((url) => url.pathname === '/function' && url.searchParams.get('name') === 'resize')
    await page.context().close()
  })

  test('is asked again, and says what has changed', async () => {
    const page = await stage.page('servers?q=report')
    await row(page, 'report').waitFor()
    await submit(peers[0], 'report')
    // Both are there for 2 s.
    await Promise.all([
      row(page, 'report')
        .locator('td', { hasText: /^▲more by 13$/ })
        .waitFor(),
      figure(page, 'Queued').getByTitle('1 more than at the look before').waitFor(),
    ])
    // And no longer at the next look.
    await row(page, 'report').getByTitle('1 more').waitFor({ state: 'detached' })
    await page.context().close()
  })

  test('is sorted, filtered and grouped, and the address says how', async () => {
    const page = await stage.page('servers')
    await row(page, 'report').waitFor()
    await page.getByRole('columnheader', { name: 'Function' }).getByRole('button').click()
    assert.deepEqual(
      (await rows(page)).map(([name]) => name),
      [hostile, 'mail.send', 'report', 'resize', 'resize'],
    )
    await page.getByRole('columnheader', { name: 'State' }).getByRole('button').click()
    assert.equal((await rows(page)).at(-1)?.[0], 'mail.send')
    await page.getByRole('heading', { level: 1 }).click()
    await page.keyboard.press('/')
    await page.keyboard.type('RES')
    await page.getByText('2 of 5 functions').waitFor()
    await page.getByLabel('Group by').selectOption('function')
    await page.getByText('2 servers').waitFor()
    const [sum, ...members] = await rows(page)
    assert.deepEqual(sum, ['resize', '2 servers', '3', '1', '1', '1 without worker'])
    assert.deepEqual(new Set(members.map(([, place]) => place)), new Set([own, theirs]))
    await page.getByRole('button', { name: 'Show what the sum of resize is of' }).click()
    assert.equal((await rows(page)).length, 1)
    await page.getByLabel('Group by').selectOption('server')
    assert.deepEqual(new Set((await rows(page)).map(([name]) => name)), new Set([own, theirs, 'resize']))
    const { searchParams } = new URL(page.url())
    assert.deepEqual(Object.fromEntries(searchParams), { sort: 'state', q: 'RES', group: 'server' })
    await page.reload()
    await page.getByText('2 of 5 functions').waitFor()
    assert.deepEqual((await rows(page)).length, 4)
    await page.getByLabel('Filter functions').fill('<script>')
    await page.getByText('None of 5 functions fits the filter').waitFor()
    await page.context().close()
  })

  test('shows functions without worker alone, and those of some servers', async () => {
    const page = await stage.page('servers')
    await page.getByLabel('Without worker only').check()
    await page.getByText('3 of 5 functions').waitFor()
    await page.getByText('All 3 servers').click()
    await page.getByRole('checkbox', { name: own }).uncheck()
    await page.getByText('2 of 4 functions').waitFor()
    await page.getByText('2 of 3 servers').waitFor()
    assert.match(await figureText(page, 'Servers'), /^2/)
    const { searchParams } = new URL(page.url())
    assert.deepEqual(Object.fromEntries(searchParams), { only: 'no-worker', server: `${theirs},${dead}` })
    await page.getByRole('button', { name: 'All servers' }).click()
    await page.getByText('3 of 5 functions').waitFor()
    assert.equal(new URL(page.url()).searchParams.get('server'), null)
    await page.context().close()
  })

  test('shows workers, by what they are called, where they are and what they can do', async () => {
    const mine = stage.worker({ clientId: 'ann' })
    mine.handle('digest', () => '')
    await mine.start()
    const page = await stage.page('servers')
    await page.getByRole('group', { name: 'What is shown' }).getByRole('button', { name: 'Workers' }).click()
    await row(page, 'ann').getByRole('link', { name: 'digest' }).waitFor()
    const joe = await row(page, 'joe').getByRole('cell').allTextContents()
    assert.deepEqual(joe.slice(0, 3), ['joe', '127.0.0.1', theirs])
    assert.deepEqual([...(joe[3] ?? '').matchAll(/resize|mail\.send/g)].length, 2)
    const filter = page.getByLabel('Filter workers')
    for (const [text, shown] of [
      ['MAIL.', 1],
      ['ann', 1],
      ['127.0.0.1', 2],
    ] as const) {
      await filter.fill(text)
      await page.getByText(shown === 1 ? '1 of 2 workers' : /^2 workers$/).waitFor()
    }
    await page.getByLabel('Group by').selectOption('server')
    const heads = await page.locator('.group-head').allTextContents()
    assert.deepEqual(new Set(heads), new Set([own, theirs].map((place) => `${place}1 worker1 address`)))
    assert.equal(new URL(page.url()).searchParams.get('view'), 'workers')
    await filter.fill('nobody')
    await page.getByText('None of 2 workers fits the filter').waitFor()
    await page.context().close()
    await mine.close()
  })

  test('shows the servers, each with a way to its functions', async () => {
    const page = await stage.page('servers?view=servers')
    const [down, other] = [row(page, dead), row(page, theirs)]
    await down.getByText('down', { exact: true }).waitFor()
    await down.getByTitle('nothing listens on').waitFor()
    assert.match(await cell(other, 2), /^\d+\.\d+/)
    assert.match((await other.textContent()) ?? '', /up.*\d ms/)
    assert.equal(await row(page, own).getByRole('link', { name: 'this server' }).getAttribute('href'), '/')
    // By keys alone.
    await page.getByRole('heading', { level: 1 }).focus()
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.getByText('4 functions').waitFor()
    assert.equal(new URL(page.url()).searchParams.get('server'), theirs)
    await page.context().close()
  })

  test('names are text, whatever is in them, in both themes and on a phone', async () => {
    for (const [view, theme, width] of [
      ['functions', 'light', 1280],
      ['functions', 'dark', 400],
      ['workers', 'light', 400],
      ['workers', 'dark', 1280],
      ['servers', 'light', 400],
      ['servers', 'dark', 1280],
    ] as const) {
      const page = await stage.page(`servers?view=${view}&group=function`, { theme, width })
      await row(page, view === 'functions' ? hostile : theirs).waitFor()
      await page.getByText('All 3 servers').click()
      assert.equal(await page.locator('main img, main script').count(), 0)
      assert.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true)
      assert.deepEqual(await violations(page), [], `${view} ${theme} ${width}`)
      await page.context().close()
    }
  })
})

function byQueue(one: readonly string[], other: readonly string[]): number {
  return (
    Number(other[2]) - Number(one[2]) ||
    new Intl.Collator('en-GB', { numeric: true }).compare(one[0] ?? '', other[0] ?? '')
  )
}
