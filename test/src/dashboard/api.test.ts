import assert from 'node:assert/strict'
import { test } from 'node:test'
import { path } from '@geartrain/dashboard/api/api'
import { startApi } from '../http/api.ts'

test('a name is one segment of a path, whatever is in it', () => {
  for (const name of ['f', 'a/b', '../x', '..', '.', '%2e%2e', '..\\', '?', '#', '//evil.example', 'é']) {
    const { pathname, search, hash, host } = new URL(path`functions/${name}/pause`, 'http://localhost/api/')
    assert.match(pathname, /^\/api\/functions\/[^/]+\/pause$/)
    assert.deepEqual([search, hash, host], ['', '', 'localhost'])
  }
})

test('the server refuses what has no address', async () => {
  await using api = await startApi()
  for (const [method, to] of [
    ['GET', path`jobs/${'..'}/events`],
    ['GET', path`functions/${'..'}`],
    ['POST', path`functions/${'.'}/pause`],
    ['POST', path`functions/${'..'}/jobs`],
    ['DELETE', path`schedules/${'..'}`],
  ] as const) {
    const { status } = await fetch(new URL(to, `${api.origin}/api/`), { method })
    assert.ok(status === 400 || status === 404, `${method} ${to}: ${status}`)
  }
})
