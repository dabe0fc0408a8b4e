import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createServer, silentLog } from '@geartrain/server'
import { sharedPostgres } from '../support/postgres/shared-postgres.ts'
import { row } from './servers-parts.ts'
import { Stage, skip, violations } from './stage.ts'

const postgres = sharedPostgres()

test('servers that share a queue are listed, and go when they have gone', { skip: skip || postgres.skip }, async () => {
  const { url: store } = await postgres.createDatabase()
  await using stage = await Stage.open({ store, serverName: 'first', leaseMs: 2000 })
  const other = createServer({ port: 0, log: silentLog, store, serverName: 'second', leaseMs: 2000 })
  try {
    await other.listen()
    const page = await stage.page('servers')
    await page.getByRole('heading', { name: 'This cluster' }).waitFor()
    await row(page, 'first').getByText('this server').waitFor()
    await row(page, 'first').getByText('leads').waitFor()
    await row(page, 'second').waitFor()
    assert.deepEqual(await violations(page), [])
    await other.close(0)
    await row(page, 'second').waitFor({ state: 'detached' })
    const dark = await stage.page('servers', { theme: 'dark', width: 400 })
    await row(dark, 'first').waitFor()
    assert.deepEqual(await violations(dark), [])
  } finally {
    await other.close(0)
  }
})

test('a server that has its store alone shows no cluster', { skip }, async () => {
  await using stage = await Stage.open()
  const page = await stage.page('servers')
  await page.getByText('geartrain serve --watch').waitFor()
  assert.equal(await page.getByText('This cluster').count(), 0)
})
