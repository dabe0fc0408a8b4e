import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createMonitor, hashToken, type Monitor, type MonitorOptions } from '@geartrain/server'
import type { Browser, Page } from 'playwright-core'
import { startCommand } from '../cli/command.ts'
import { missing, startGearmand } from '../support/peers.ts'
import { connect, PACKET } from '../support/raw.ts'
import { FakeServer, honest } from '../watch/fake-server.ts'
import { launch, newPage, skip, violations, watchFaults } from './stage.ts'

describe('the pages of a monitor', { skip }, () => {
  let browser: Browser
  let fake: FakeServer
  before(async () => {
    browser = await launch()
    fake = await FakeServer.start(honest({ status: 'resize\t3\t1\t2\n.\n', workers: '3 ::1 joe : resize\n.\n' }))
  })
  after(async () => {
    await browser.close()
    await fake[Symbol.asyncDispose]()
  })

  async function start(options: Partial<MonitorOptions> = {}): Promise<Monitor & { readonly origin: string }> {
    const monitor = createMonitor({ servers: [fake.address], http: '127.0.0.1:0', ...options })
    const { port } = await monitor.listen()
    return Object.assign(monitor, { origin: `http://127.0.0.1:${port}` })
  }

  async function open(origin: string, path = '', look: Parameters<typeof newPage>[2] = {}): Promise<Page> {
    const page = await newPage(browser, origin, look)
    await page.goto(`${origin}/${path}`)
    return page
  }

  test('are the servers alone, and ask for nothing else', async () => {
    await using monitor = await start()
    const page = await newPage(browser, monitor.origin, {})
    const asked = new Set<string>()
    const faults: string[] = []
    page.on('request', (request) => asked.add(new URL(request.url()).pathname))
    watchFaults(page, (fault) => faults.push(fault))
    await page.goto(`${monitor.origin}/?q=resi`)
    await page.getByRole('heading', { level: 1, name: 'Servers' }).waitFor()
    await page.locator('tr[data-row]').filter({ hasText: 'resize' }).waitFor()
    assert.deepEqual([new URL(page.url()).pathname, new URL(page.url()).search], ['/servers', '?q=resi'])
    assert.equal(await page.title(), 'Servers · Geartrain monitor')
    const nav = page.getByRole('navigation', { name: 'Pages' })
    assert.deepEqual(await nav.getByRole('link').allTextContents(), ['Geartrain monitor'])
    await nav.getByText('Live', { exact: true }).waitFor()
    assert.equal(await page.locator('tbody').getByRole('link').count(), 0)
    assert.deepEqual([...asked].filter((path) => path.startsWith('/api/')).sort(), [
      '/api/about',
      '/api/servers',
      '/api/session',
    ])
    assert.deepEqual(faults, [])
    await nav.getByRole('link').click()
    await page.waitForURL(`${monitor.origin}/servers`)
    await page.context().close()
  })

  test('have no page of a job server', async () => {
    await using monitor = await start()
    for (const path of ['jobs', 'functions', 'function?name=resize', 'workers']) {
      const page = await open(monitor.origin, path)
      await page.getByText('There is no page here').waitFor()
      await page.context().close()
    }
  })

  test('have the keys that lead somewhere', async () => {
    await using monitor = await start()
    const page = await open(monitor.origin, 'servers?view=servers')
    await page.locator('tr[data-row]').waitFor()
    await page.keyboard.press('?')
    const keys = await page.getByRole('dialog').locator('dt').allTextContents()
    assert.deepEqual(keys, ['/', 'jk', 'Enter', 'p', '?'])
    await page.keyboard.press('Escape')
    await page.keyboard.press('g')
    await page.keyboard.press('j')
    await page.keyboard.press('p')
    await page.getByText('Paused', { exact: true }).waitFor()
    assert.equal(new URL(page.url()).pathname, '/servers')
    await page.context().close()
  })

  test('paused, ask for nothing until they go on', async () => {
    await using monitor = await start()
    const page = await newPage(browser, monitor.origin, {})
    await page.clock.install()
    let asked = 0
    page.on('request', (request) => {
      if (request.url().endsWith('/api/servers')) asked++
    })
    await page.goto(`${monitor.origin}/servers`)
    await page.locator('tr[data-row]').waitFor()
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.getByText('Paused', { exact: true }).waitFor()
    const before = asked
    await page.clock.runFor(60_000)
    assert.equal(asked, before)
    const again = page.waitForResponse((response) => response.url().endsWith('/api/servers'))
    await page.getByRole('button', { name: 'Pause' }).click()
    await again
    await page.getByText('Live', { exact: true }).waitFor()
    await page.context().close()
  })

  test('say when the monitor is away, and go on when it is back', async () => {
    const first = await start()
    const page = await open(first.origin, 'servers')
    const resize = page.locator('tr[data-row]').filter({ hasText: 'resize' })
    await resize.waitFor()
    await first.close()
    await page.getByText('The monitor does not answer. What is shown was so a while ago').waitFor()
    await page.getByText('No answer', { exact: true }).waitFor()
    assert.equal(await resize.count(), 1)
    await using _second = await start({ http: new URL(first.origin).host })
    await page.getByText('Live', { exact: true }).waitFor()
    await page.getByText('The monitor does not answer').waitFor({ state: 'detached' })
    await page.context().close()
  })

  const access = {
    ops: { token: hashToken('all'), roles: 'view', functions: '*' },
    mailers: { token: hashToken('some'), roles: 'view', functions: 'mail.*' },
  } as const

  test('are shown to who has signed in', async () => {
    await using monitor = await start({ access })
    const page = await open(monitor.origin)
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await page.getByLabel('Token').fill('wrong')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('alert').filter({ hasText: /token/ }).waitFor()
    await page.getByLabel('Token').fill('all')
    await page.keyboard.press('Enter')
    await page.locator('tr[data-row]').filter({ hasText: 'resize' }).waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await page.context().close()
  })

  test('say to who may view some functions alone why no server is shown', async () => {
    await using monitor = await start({ access })
    for (const theme of ['light', 'dark'] as const) {
      const page = await open(monitor.origin, 'servers', { token: 'some', theme, width: 400 })
      await page.getByText('No server is shown to you').waitFor()
      assert.match(
        (await page.locator('main').textContent()) ?? '',
        /You are mailers, and may view mail\.\*\. .*functions = \["\*"\]/,
      )
      assert.deepEqual(await violations(page), [])
      await page.context().close()
    }
  })

  test('are good for all, in both themes and on a phone', async () => {
    await using dead = await FakeServer.start(undefined, (socket) => socket.destroy())
    await using monitor = await start({ servers: [fake.address, dead.address] })
    for (const theme of ['light', 'dark'] as const) {
      for (const width of [1280, 400]) {
        const page = await open(monitor.origin, 'servers', { theme, width })
        await page.getByText(`${dead.address} has closed the connection`).waitFor()
        assert.deepEqual(await violations(page), [])
        assert.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true)
        await page.context().close()
      }
    }
  })
})

test('geartrain monitor shows a gearmand in the browser', {
  skip: skip === false ? (missing('gearmand') ?? false) : skip,
}, async () => {
  await using gearmand = await startGearmand()
  await using client = await connect(gearmand.port, 'client')
  client.send(PACKET.SUBMIT_JOB_BG, 'resize', 'one', '')
  await client.receive('JOB_CREATED')
  await using started = await startCommand(['monitor', '-s', `127.0.0.1:${gearmand.port}`, '--http', '127.0.0.1:0'])
  const browser = await launch()
  try {
    const page = await newPage(browser, '', {})
    await page.goto(`http://127.0.0.1:${started.port}/`)
    await page.locator('tr[data-row]').filter({ hasText: 'resize' }).getByText('no worker').waitFor()
  } finally {
    await browser.close()
  }
})
