import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FakeStore } from '../support/fake-store.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { PACKET } from '../support/raw.ts'
import type { Api } from './api.ts'
import { apiOf, startLocal } from './local-http.ts'

async function readiness(api: Api): Promise<unknown> {
  const answer = await api.call('getReadiness')
  // A problem's body is checked by the description.
  const body = (await answer.json()) as { readonly status: unknown; readonly reasons?: readonly { code: string }[] }
  return [answer.status, body.reasons?.map(({ code }) => code) ?? body.status]
}

describe('/healthz and /readyz', () => {
  it('say that it is alive and ready', async () => {
    await using local = await startLocal()
    const api = await apiOf(local)
    assert.deepEqual(await api.json('getHealth'), { status: 'alive' })
    assert.deepEqual(await readiness(api), [200, 'ready'])
  })

  it('need no token where others do, and no origin or body is looked at', async () => {
    await using local = await startLocal({ access: { ci: { token: tokenHash, roles: ['submit'] } } })
    const api = await apiOf(local)
    assert.equal((await api.call('getHealth')).status, 200)
    assert.equal((await api.call('getReadiness')).status, 200)
    assert.equal((await fetch(`${api.origin}/metrics`)).status, 401)
  })

  it('is not ready while the store fails, says no more than that, and is ready again by itself', async () => {
    const store = new FakeStore()
    const clock = new ManualClock()
    await using local = await startLocal({ store }, clock)
    const api = await apiOf(local)
    const client = await local.connect('client')
    store.failNext('full')
    client.send(PACKET.SUBMIT_JOB_BG, 'f', '', 'x')
    assert.equal((await client.receive()).name, 'ERROR')
    assert.deepEqual(await readiness(api), [503, ['STORE_FAILED']])
    const text = await (await fetch(`${api.origin}/readyz`)).text()
    assert.ok(!text.includes('database or disk is full') && !text.includes(store.name), text)
    assert.deepEqual(await api.json('getHealth'), { status: 'alive' })
    client.send(PACKET.SUBMIT_JOB_BG, 'f', '', 'x')
    assert.equal((await client.receive()).name, 'JOB_CREATED')
    // A disk that is full takes a small job and not the next one: whoever asks is not told now this, now that.
    clock.advance(9999)
    assert.deepEqual(await readiness(api), [503, ['STORE_FAILED']])
    clock.advance(1)
    assert.deepEqual(await readiness(api), [200, 'ready'])
  })

  it('is not ready while it stops, and alive until it has', async () => {
    await using local = await startLocal()
    const api = await apiOf(local)
    const { worker, handle } = await local.jobInHand()
    const closed = local.server.close(10_000)
    assert.deepEqual(await readiness(api), [503, ['SHUTTING_DOWN']])
    assert.deepEqual(await api.json('getHealth'), { status: 'alive' })
    worker.send(PACKET.WORK_COMPLETE, handle, 'done')
    await closed
  })
})

/** Of nobody's token. */
const tokenHash = `sha256:${'0'.repeat(64)}`
