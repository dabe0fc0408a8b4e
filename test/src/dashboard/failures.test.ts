import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import type { ControlOperations, JobCount } from '@geartrain/protocol'
import { hashToken, type ServerOptions } from '@geartrain/server'
import type { Page } from 'playwright-core'
import { rules, showToken, theirs, tokenOf } from '../access/parts.ts'
import { wire } from '../http/office.ts'
import { connect, PACKET } from '../support/raw.ts'
import { Stage, skip, violations } from './stage.ts'

/** Jobs die in their first attempt. */
const options: Partial<ServerOptions> = { functions: { '*': { attempts: 1 } } }
const hostile = '<img src=x onerror=alert(document.domain)> "\\ 😀'

describe('failures', { skip }, () => {
  let stage: Stage
  before(async () => {
    stage = await Stage.open(options)
  })
  after(() => stage[Symbol.asyncDispose]())
  afterEach(async () => {
    for (const [action, state] of [
      ['delete', 'dead'],
      ['cancel', 'ready'],
    ]) {
      await fetch(`${stage.origin}/api/jobs/bulk`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ action, filter: { state } }),
      })
    }
  })

  test('without any, it is said what they are', async () => {
    const page = await stage.page('failures')
    await page.getByText('No job is dead').waitFor()
    await page.getByText("geartrain function set 'mail.*' --attempts 5").waitFor()
    assert.deepEqual(await violations(page), [])
    // And they appear as they come.
    await bury(stage, 'mail', ['relay 10.0.0.1 is down'])
    await row(page, 'relay # is down').waitFor()
    await bury(stage, 'mail', ['relay 10.0.0.2 is down'])
    await row(page, 'relay # is down').getByRole('link', { name: 'Show 2 jobs' }).waitFor()
    await page.context().close()
  })

  test('are shown by function and message, the largest first, or the latest', async () => {
    await bury(stage, 'mail', ['no such user', 'relay 1 is down', 'relay 2 is down'])
    await bury(stage, 'resize', ['']) // A worker that fails without a word.
    const page = await stage.page('failures')
    await page.getByText('4 dead jobs of 2 functions, in 3 groups').waitFor()
    assert.deepEqual(await page.locator('.failure-function').allTextContents(), ['mail', 'resize'])
    assert.deepEqual(await page.locator('.failure-message').allTextContents(), ['relay # is down', 'no such user'])
    await row(page, 'The worker has said nothing').getByText('failed').waitFor()
    await row(page, 'no such user').getByText('exception').waitFor()
    await page.getByRole('button', { name: 'Latest' }).click()
    await page.waitForURL((url) => url.searchParams.get('sort') === '-latest')
    assert.deepEqual(await page.locator('.failure-function').allTextContents(), ['resize', 'mail'])
    const { groups } = await dead(stage)
    const [largest] = groups
    await row(page, 'relay')
      .getByRole('link', { name: largest?.handle ?? '' })
      .waitFor()
    await row(page, 'relay').getByRole('link', { name: 'Show 2 jobs' }).click()
    await page.waitForURL((url) => url.pathname === '/jobs')
    const { searchParams } = new URL(page.url())
    assert.equal(searchParams.get('q'), 'function:mail state:dead reason:exception message:"relay # is down"')
    await page.context().close()
  })

  test('are those of the function that is chosen', async () => {
    await bury(stage, 'mail', ['a'])
    await bury(stage, 'resize', ['b'])
    const page = await stage.page('failures?function=mail')
    await row(page, 'a').waitFor()
    assert.equal(await page.locator('tr[data-row]').count(), 1)
    await page.getByRole('combobox', { name: 'Function' }).selectOption('resize')
    await row(page, 'b').waitFor()
    assert.equal(new URL(page.url()).searchParams.get('function'), 'resize')
    await page.goto(`${stage.origin}/failures?function=none`)
    await page.getByText('No job of none is dead').waitFor()
    await page.getByText('geartrain function set none --attempts 5').waitFor()
    await page.context().close()
  })

  test('a group is retried once that is confirmed, and the others stay', async () => {
    await bury(stage, 'mail', ['no such user', 'relay 1 is down', 'relay 2 is down'])
    const page = await stage.page('failures')
    await row(page, 'relay').getByRole('button', { name: 'Retry' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('heading', { name: 'Retry 2 jobs?' }).waitFor()
    await dialog.getByText('mail: relay # is down').waitFor()
    await dialog.getByRole('button', { name: 'Leave it' }).click()
    assert.equal(await count(stage, 'dead'), 3)
    await row(page, 'relay').getByRole('button', { name: 'Retry' }).click()
    await dialog.getByRole('button', { name: 'Retry 2 jobs' }).click()
    await page.getByText('2 jobs are in line again.').waitFor()
    await row(page, 'relay').waitFor({ state: 'detached' })
    assert.equal(await count(stage, 'dead'), 1)
    assert.equal(await count(stage, 'ready'), 2)
    await page.context().close()
  })

  test('a group is deleted, by keys alone', async () => {
    await bury(stage, 'mail', ['no such user', 'relay 1 is down'])
    const page = await stage.page('failures')
    await row(page, 'no such user').getByRole('button', { name: 'Delete' }).press('Enter')
    const dialog = page.getByRole('dialog')
    await dialog.getByText('This can not be taken back').waitFor()
    await dialog.getByRole('button', { name: 'Delete 1 job' }).press('Enter')
    await page.getByText('1 job is deleted.').waitFor()
    await row(page, 'no such user').waitFor({ state: 'detached' })
    assert.deepEqual(
      (await dead(stage)).groups.map(({ message }) => message),
      ['relay # is down'],
    )
    await page.context().close()
  })

  test('all of a function are retried, and those of others stay', async () => {
    await bury(stage, 'mail', ['no such user', 'relay 1 is down'])
    await bury(stage, 'resize', ['b'])
    const page = await stage.page('failures')
    await page.getByRole('rowheader', { name: /^mail/ }).getByRole('button', { name: 'Retry all' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Retry 2 jobs' }).click()
    await page.getByText('2 jobs are in line again.').waitFor()
    await row(page, 'relay').waitFor({ state: 'detached' })
    assert.deepEqual(
      (await dead(stage)).groups.map((group) => group.function),
      ['resize'],
    )
    await page.context().close()
  })

  test('one whose name is a pattern that others fit has no buttons that would change theirs', async () => {
    await bury(stage, 'mail*', ['a'])
    await bury(stage, 'mail.send', ['b'])
    const page = await stage.page('failures')
    await row(page, 'b').getByRole('button', { name: 'Retry' }).waitFor()
    await row(page, 'Its name is a pattern too').waitFor()
    assert.equal(await page.getByRole('button', { name: /^(Retry|Delete)$/ }).count(), 2)
    assert.equal(await page.getByRole('button', { name: 'Retry all' }).count(), 1)
    await page.context().close()
  })

  test('a group that others have retried meanwhile has none any more', async () => {
    await bury(stage, 'mail', ['no such user'])
    const page = await stage.page('failures')
    await page.getByRole('button', { name: 'Pause' }).click()
    const [group] = (await dead(stage)).groups
    await fetch(`${stage.origin}/api/jobs/${encodeURIComponent(group?.handle ?? '')}`, { method: 'DELETE' })
    await row(page, 'no such user').getByRole('button', { name: 'Retry' }).click()
    await page.getByText('There are none of them any more.').waitFor()
    await page.context().close()
  })

  for (const theme of ['light', 'dark'] as const) {
    test(`names and messages are text, whatever is in them (${theme})`, async () => {
      await bury(stage, hostile, [hostile, 'x'.repeat(60_000)])
      const page = await stage.page('failures', { theme, width: 400 })
      await row(page, hostile).waitFor()
      assert.equal(await page.locator('main img').count(), 0)
      assert.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true)
      assert.deepEqual(await violations(page), [])
      await row(page, hostile).getByRole('button', { name: 'Delete' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Delete 1 job' }).click()
      await page.getByText('1 job is deleted.').waitFor()
      assert.equal(await count(stage, 'dead'), 1)
      await page.context().close()
    })
  }

  test('if there are more than are told, that is said', async () => {
    const words = Array.from({ length: 1001 }, (_, index) =>
      index.toString(2).replaceAll('0', 'o').replaceAll('1', 'i'),
    )
    await bury(stage, 'mail', words)
    const page = await stage.page('failures')
    await page
      .getByText(/^At least 1,000 dead jobs of 1 function, in 1,000 groups: the latest were looked at$/)
      .waitFor()
    await page.getByRole('button', { name: 'Show all 1,000' }).waitFor()
    await page.context().close()
  })
})

/** Who may look at everything, and operate some of it. */
const mixed = {
  looks: { token: hashToken('mixed'), roles: 'view' },
  operates: { token: hashToken('mixed'), roles: 'operate', functions: theirs },
} as const

test('who may only look sees no buttons, and those of others not at all', { skip }, async () => {
  await using stage = await Stage.open({ ...options, access: { ...rules, ...mixed } })
  await bury(stage, theirs, ['mine'], 'token-of-all')
  await bury(stage, 'other', ['of another'], 'token-of-all')
  for (const [token, rows, buttons] of [
    [tokenOf('view'), 1, 0],
    [tokenOf('operate'), 1, 3],
    ['mixed', 2, 3],
  ] as const) {
    const page = await stage.page('failures', { token })
    await row(page, 'mine').waitFor()
    assert.equal(await page.locator('tr[data-row]').count(), rows)
    assert.equal(await page.getByRole('button', { name: /^(Retry|Delete|Retry all)$/ }).count(), buttons)
    await page.context().close()
  }
})

function row(page: Page, text: string) {
  return page.locator('tr[data-row]').filter({ hasText: text })
}

/** Jobs of a function, each of which fails with such an error; empty: without a word. */
async function bury(stage: Stage, name: string, errors: readonly string[], token?: string): Promise<void> {
  const peer = await connect(Number(stage.address.split(':')[1]), 'worker')
  if (token !== undefined) await showToken(peer, token)
  peer.send(PACKET.CAN_DO, wire(name))
  for (const _ of errors) {
    peer.send(PACKET.SUBMIT_JOB_BG, wire(name), '', '')
    await peer.receive('JOB_CREATED')
  }
  for (const error of errors) {
    peer.send(PACKET.GRAB_JOB)
    const { args } = await peer.receive('JOB_ASSIGN')
    if (error === '') peer.send(PACKET.WORK_FAIL, args[0] ?? '')
    else peer.send(PACKET.WORK_EXCEPTION, args[0] ?? '', Buffer.from(error))
  }
  await peer.sync()
  await peer.close()
}

async function dead(stage: Stage): Promise<ControlOperations['dead groups']['answer']> {
  // As the API's description says; so are the others.
  return (await (await fetch(`${stage.origin}/api/dead/groups`)).json()) as ControlOperations['dead groups']['answer']
}

async function count(stage: Stage, state: string): Promise<number> {
  const answer = (await (await fetch(`${stage.origin}/api/jobs/count?state=${state}`)).json()) as JobCount
  return answer.count
}
