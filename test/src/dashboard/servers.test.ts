import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import { rules, theirs, tokenOf } from '../access/parts.ts'
import { wire } from '../http/office.ts'
import { freePort, missing, type Server, startGearmand } from '../support/peers.ts'
import { connect, PACKET, type RawPeer } from '../support/raw.ts'
import { FakeServer, honest } from '../watch/fake-server.ts'
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
      assert.match((await figure(page, name).textContent()) ?? '', value, name)
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
    assert.match((await figure(page, 'Servers').textContent()) ?? '', /^2/)
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
    await page.getByRole('button', { name: 'Workers', exact: true }).click()
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

test('a server that watches no other says how it can', { skip }, async () => {
  await using stage = await Stage.open()
  const page = await stage.page('servers')
  await page.getByText('geartrain serve --watch 10.0.0.2,10.0.0.3:4731').waitFor()
  await page.getByText('watch = "10.0.0.2, 10.0.0.3:4731"').waitFor()
  await page.getByText('No function is known there').waitFor()
  assert.deepEqual(await violations(page), [])
})

test('who may not view all functions is told that others are not shown', { skip }, async () => {
  await using fake = await FakeServer.start()
  await using stage = await Stage.open({ access: rules, watch: [fake.address] })
  const submitter = stage.worker({ token: 'token-of-all' })
  submitter.handle(theirs, () => '')
  submitter.handle('other', () => '')
  await submitter.start()
  const page = await stage.page('servers', { token: tokenOf('view') })
  await row(page, theirs).waitFor()
  assert.equal((await rows(page)).length, 1)
  await page.getByText('No other server is shown to you').waitFor()
  const all = await stage.page('servers', { token: 'token-of-all' })
  await all.getByText('All 2 servers').waitFor()
  assert.equal(await all.getByText('No other server').count(), 0)
})

test('paused, it is not asked; and at once when it goes on', { skip }, async () => {
  await using fake = await FakeServer.start(honest({ status: 'f\t1\t0\t0\n.\n' }))
  await using stage = await Stage.open({ watch: [fake.address] })
  const page = await stage.page('workers')
  let asked = 0
  page.on('request', (request) => {
    if (new URL(request.url()).pathname === '/api/servers') asked++
  })
  await page.clock.install()
  await page.goto(`${stage.origin}/servers`)
  await row(page, fake.address).waitFor()
  await page.getByRole('button', { name: 'Pause' }).click()
  await page.getByText('Paused', { exact: true }).waitFor()
  const before = asked
  await page.clock.runFor(60_000)
  assert.equal(asked, before)
  const again = page.waitForRequest((request) => request.url().endsWith('/api/servers'))
  await page.keyboard.press('p')
  await again
})

test('fleets of many thousands of functions are shown in parts', { skip }, async () => {
  const names = Array.from({ length: 5000 }, (_, index) => `team.${index % 50}.function-${index}`)
  const status = (jobs: number) =>
    `${names.map((name, index) => `${name}\t${index === 4321 ? jobs : 0}\t0\t1\n`).join('')}.\n`
  const fakes = await Promise.all([1, 2, 3, 4].map((jobs) => FakeServer.start(honest({ status: status(jobs) }))))
  await using stage = await Stage.open({ watch: fakes.map(({ address }) => address) })
  const page = await stage.page('servers')
  await page.getByRole('button', { name: 'Show all 20,000' }).waitFor()
  assert.equal(await page.locator('tr[data-row]').count(), 200)
  // Those with the longest queues are the first, equal ones in the order of their names.
  const shown = await rows(page)
  assert.deepEqual(
    shown.slice(0, 4).map(([name, , queued]) => [name, queued]),
    [4, 3, 2, 1].map((jobs) => [names[4321], `${jobs}`]),
  )
  assert.equal(shown[4]?.[0], names[0])
  await page.getByLabel('Filter functions').fill('function-4321')
  await page.getByText('4 of 20,000 functions').waitFor()
  await page.getByLabel('Filter functions').fill('')
  await page.getByLabel('Group by').selectOption('function')
  await page.getByText('4 servers', { exact: true }).first().waitFor()
  assert.deepEqual((await rows(page))[0], [names[4321], '4 servers', '10', '0', '4', 'waiting'])
  await page.getByLabel('Group by').selectOption('server')
  await page.getByText('5,000 functions').first().waitFor()
  assert.equal(await page.locator('tr[data-row]').count(), 4)
  await page.context().close()
  await Promise.all(fakes.map((fake) => fake[Symbol.asyncDispose]()))
})

function row(page: Page, text: string): Locator {
  return page.locator('tr[data-row]').filter({ hasText: text }).first()
}

async function cell(of: Locator, index: number): Promise<string> {
  return (await of.getByRole('cell').nth(index).textContent()) ?? ''
}

/** What is in each cell of each row. */
function rows(page: Page): Promise<string[][]> {
  return page
    .locator('tr[data-row]')
    .evaluateAll((all) => all.map((each) => Array.from(each.querySelectorAll('td'), (td) => td.textContent ?? '')))
}

function byQueue(one: readonly string[], other: readonly string[]): number {
  return (
    Number(other[2]) - Number(one[2]) ||
    new Intl.Collator('en-GB', { numeric: true }).compare(one[0] ?? '', other[0] ?? '')
  )
}

function figure(page: Page, name: string): Locator {
  return page
    .locator('.fleet-figures > div')
    .filter({ has: page.locator('dt', { hasText: new RegExp(`^${name}$`) }) })
    .locator('dd')
}
