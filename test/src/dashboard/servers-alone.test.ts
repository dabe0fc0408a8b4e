import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rules, theirs, tokenOf } from '../access/parts.ts'
import { FakeServer, honest } from '../watch/fake-server.ts'
import { row, rows } from './servers-parts.ts'
import { Stage, skip, violations } from './stage.ts'

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
