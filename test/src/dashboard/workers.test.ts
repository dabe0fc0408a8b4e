import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { JobDescription } from '@geartrain/protocol'
import type { Page } from 'playwright-core'
import { rules, theirs, tokenOf } from '../access/parts.ts'
import { wire } from '../http/office.ts'
import { connect, PACKET, type RawPeer } from '../support/raw.ts'
import { Stage, skip, violations } from './stage.ts'

const hostile = '<img/src=x/onerror=alert(1)>"\'&amp;😀'

describe('workers and connections', { skip }, () => {
  let stage: Stage
  before(async () => {
    stage = await Stage.open()
  })
  after(() => stage[Symbol.asyncDispose]())

  /** A worker by its packets. It has the function's next job, if there is one. */
  async function hire(clientId: string, ...functions: readonly string[]): Promise<RawPeer> {
    const peer = await connect(Number(stage.address.split(':')[1]), clientId)
    peer.send(PACKET.SET_CLIENT_ID, clientId)
    for (const name of functions) peer.send(PACKET.CAN_DO, name)
    await peer.sync()
    return peer
  }

  async function busy(clientId: string, name: string): Promise<{ readonly peer: RawPeer; readonly handle: string }> {
    const handle = await stage.client.submitBackground(name, '')
    const peer = await hire(clientId, name)
    peer.send(PACKET.GRAB_JOB)
    await peer.receive('JOB_ASSIGN')
    return { peer, handle }
  }

  test('without any, it is said how to start one', async () => {
    const page = await stage.page('workers')
    await page.getByText('No worker is connected').waitFor()
    await page.getByText(/^geartrain work -s 127\.0\.0\.1:\d+ reverse -- rev$/).waitFor()
    assert.equal(await figure(page, 'Workers'), '0')
    assert.deepEqual(await violations(page), [])
    // And they appear as they come.
    const peer = await hire('comer', 'f')
    await row(page, 'comer').waitFor()
    assert.equal(await figure(page, 'Workers'), '1')
    await peer.close()
    await row(page, 'comer').waitFor({ state: 'detached' })
    await page.context().close()
  })

  test('are shown by host, with what they do', async () => {
    const { peer, handle } = await busy('resizer-1', 'resize')
    const others = await hire('idler-1', 'a', 'b', 'c', 'd', 'e')
    others.send(PACKET.PRE_SLEEP)
    await others.sync()
    const page = await stage.page('workers')
    const resizer = row(page, 'resizer-1')
    await resizer.getByText('busy', { exact: true }).waitFor()
    await resizer.getByText('anyone').waitFor()
    await resizer.getByText('tcp').waitFor()
    assert.match((await resizer.textContent()) ?? '', /resize for \d/)
    assert.equal(await figure(page, 'Workers'), '2')
    assert.equal(await figure(page, 'Busy'), '1')
    assert.equal(await figure(page, 'Idle'), '1')
    assert.equal(await figure(page, 'Hosts'), '1')
    const host = (await page.getByRole('rowheader').textContent()) ?? ''
    assert.equal(host, '127.0.0.12 connections1 busyidler-1, resizer-1')
    const idler = row(page, 'idler-1')
    await idler.getByText('sleeping').waitFor()
    await idler.getByText('and 2 more').click()
    await idler.getByRole('link', { name: 'e', exact: true }).waitFor()
    await resizer.getByTitle(`Job ${handle} of resize`).click()
    await page.waitForURL((url) => url.pathname === '/job' && url.searchParams.get('handle') === handle)
    await page.goBack()
    await row(page, 'idler-1').getByRole('link', { name: 'b', exact: true }).click()
    await page.waitForURL((url) => url.pathname === '/function' && url.searchParams.get('name') === 'b')
    await page.goBack()
    // What it does changes before one's eyes.
    peer.send(PACKET.WORK_COMPLETE, handle, '')
    await row(page, 'resizer-1').getByText('idle', { exact: true }).waitFor()
    await page.context().close()
    await Promise.all([peer.close(), others.close()])
  })

  test('the switch shows clients as well, and what they wait for', async () => {
    const waiting = stage.client.submit('nobody.does.it', '').result()
    const page = await stage.page('workers')
    await page.getByText('No worker is connected').waitFor()
    await page.getByRole('button', { name: 'All connections' }).click()
    await page.getByText('waits for 1 job').waitFor()
    await page.getByText('waiting', { exact: true }).waitFor()
    assert.equal(new URL(page.url()).searchParams.get('show'), 'all')
    assert.equal(await figure(page, 'Clients'), '1')
    assert.deepEqual(await violations(page), [])
    await page.reload()
    await page.getByText('waits for 1 job').waitFor()
    await page.context().close()
    const peer = await hire('last', 'nobody.does.it')
    peer.send(PACKET.GRAB_JOB)
    const { args } = await peer.receive('JOB_ASSIGN')
    peer.send(PACKET.WORK_COMPLETE, args[0] ?? '', 'done')
    await waiting
    await peer.close()
  })

  test('are filtered by what is typed, and the address says so', async () => {
    const peers = [await hire('alpha', 'mail.send'), await hire('beta', 'mail.digest'), await hire('gamma', 'resize')]
    const page = await stage.page('workers?q=mail')
    await row(page, 'alpha').waitFor()
    await row(page, 'beta').waitFor()
    assert.equal(await row(page, 'gamma').count(), 0)
    assert.equal(await figure(page, 'Workers'), '2')
    await page.getByRole('heading', { level: 1 }).click()
    await page.keyboard.press('/')
    await page.keyboard.press('Control+A')
    await page.keyboard.type('127.0.0.1 gamma')
    await row(page, 'gamma').waitFor()
    assert.equal(await row(page, 'alpha').count(), 0)
    assert.equal(new URL(page.url()).searchParams.get('q'), '127.0.0.1 gamma')
    await page.keyboard.type('<b>')
    await page.getByText('None of 3 workers fits the filter').waitFor()
    await page.context().close()
    await Promise.all(peers.map((peer) => peer.close()))
  })

  test('one is disconnected, by keys alone, and its job goes to another', async () => {
    const { peer, handle } = await busy('stuck-1', 'slow')
    const page = await stage.page('workers')
    const button = row(page, 'stuck-1').getByRole('button', { name: 'Disconnect stuck-1' })
    await button.focus()
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog')
    await dialog.getByText('stuck-1').waitFor()
    assert.match((await dialog.textContent()) ?? '', /127\.0\.0\.1.*The job that it has goes to other workers/s)
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    assert.equal((await job(handle)).state, 'running')
    await page.keyboard.press('Enter')
    await dialog.getByRole('button', { name: 'Disconnect' }).press('Enter')
    await page.getByText('stuck-1 is disconnected.').waitFor()
    await row(page, 'stuck-1').waitFor({ state: 'detached' })
    assert.equal((await job(handle)).state, 'ready')
    await page.context().close()
    peer.destroy()
  })

  test('one that has gone meanwhile is told', async () => {
    const peer = await hire('leaver', 'f')
    const page = await stage.page('workers')
    await row(page, 'leaver').getByRole('button').click()
    await peer.close()
    await page.getByRole('dialog').getByRole('button', { name: 'Disconnect' }).click()
    await page.getByText(/there is no connection \d+: it has ended, or never was/).waitFor()
    stage.forgiveFaults(/404/)
    await page.context().close()
  })

  test('names are text, whatever is in them', async () => {
    const peer = await hire(wire(hostile), '<script>alert(1)</script>', 'x'.repeat(512))
    for (const theme of ['light', 'dark'] as const) {
      const page = await stage.page('workers?show=all', { theme, width: 400 })
      await row(page, hostile).getByRole('link', { name: '<script>alert(1)</script>' }).waitFor()
      assert.equal(await page.locator('main img, main script').count(), 0)
      assert.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true)
      assert.deepEqual(await violations(page), [])
      await page.context().close()
    }
    await peer.close()
  })

  test('there may be more than the server tells at once', async () => {
    const peers = await Promise.all(Array.from({ length: 1001 }, () => hire('many', 'f')))
    const page = await stage.page('workers')
    await page.getByRole('button', { name: 'Show all 1,001' }).waitFor()
    assert.equal(await figure(page, 'Workers'), '1,001')
    assert.equal(await page.locator('tr[data-row]').count(), 200)
    assert.match((await page.getByRole('rowheader').textContent()) ?? '', /1,001 connections0 busymany ×1,001/)
    for (const peer of peers) peer.destroy()
    await page.getByText('No worker is connected').waitFor()
    await page.context().close()
  })

  async function job(handle: string): Promise<JobDescription> {
    // As the API's description says.
    return (await (await fetch(`${stage.origin}/api/jobs/${encodeURIComponent(handle)}`)).json()) as JobDescription
  }
})

test('who may only look can not disconnect, and sees no others', { skip }, async () => {
  await using stage = await Stage.open({ access: rules })
  const mine = stage.worker({ clientId: 'mine-1', token: tokenOf('work') })
  mine.handle(theirs, () => '')
  const others = stage.worker({ clientId: 'others-1', token: 'token-of-all' })
  others.handle('other', () => '')
  await Promise.all([mine.start(), others.start()])
  for (const [token, buttons, workers] of [
    [tokenOf('view'), 0, 1],
    // On some functions alone, which is not enough for connections.
    [tokenOf('admin'), 0, 1],
    ['token-of-all', 2, 2],
  ] as const) {
    const page = await stage.page('workers', { token })
    await row(page, 'mine-1').waitFor()
    assert.equal(await row(page, 'others-1').count(), workers - 1, token)
    assert.equal(await page.getByRole('button', { name: /^Disconnect/ }).count(), buttons, token)
    await page.context().close()
  }
})

function row(page: Page, text: string) {
  return page.locator('tr[data-row]').filter({ hasText: text })
}

/** As the roll-up has it. */
async function figure(page: Page, name: string): Promise<string | null> {
  const figures = page.getByRole('region', { name: 'Figures' }).getByRole('listitem')
  return figures
    .filter({ has: page.getByText(name, { exact: true }) })
    .locator('.figure-value')
    .textContent()
}
