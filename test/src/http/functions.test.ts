import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FunctionPolicy, FunctionState } from '@geartrain/protocol'
import { type Office, onStores, wire } from './office.ts'

type Function = FunctionPolicy & { readonly state: FunctionState | null }

function shown({ settings }: FunctionPolicy, key: string): string {
  const setting = settings.find((each) => each.key === key)
  return `${setting?.value} (${setting?.source})`
}

async function functionOf(office: Office, name: string): Promise<Function> {
  return (await office.ask('getFunction', {}, { name })) as Function
}

describe('functions', () => {
  it(
    'are listed with their counts',
    onStores(async (office) => {
      await office.submit(wire('größe'))
      await office.submit(wire('größe'))
      await office.submitLater(wire('größe'))
      const { peer } = await office.worker(wire('größe'))
      const { functions } = (await office.ask('listFunctions')) as { functions: FunctionState[] }
      const [{ oldestWaitMs, ...state } = { oldestWaitMs: -1 }] = functions.filter(({ name }) => name === 'größe')
      assert.deepEqual(state, {
        name: 'größe',
        ready: { high: 0, normal: 1, low: 0 },
        delayed: 1,
        running: 1,
        dead: 0,
        workers: 1,
        paused: false,
        draining: false,
      })
      assert.ok(oldestWaitMs !== null && oldestWaitMs >= 0)
      assert.deepEqual((await functionOf(office, 'größe')).state?.running, 1)
      assert.equal((await functionOf(office, 'nobody')).state, null)
      await peer.close()
    }),
  )

  it(
    'have a policy that can be tried before it is changed',
    onStores(async (office) => {
      const params = { name: 'mail.a' }
      const body = { values: { attempts: 3, timeout: '5m', 'retry-on': ['failed', 'lost'] } }
      const tried = (await office.api.json('changePolicy', {
        params,
        body,
        query: { 'dry-run': 'true' },
      })) as FunctionPolicy
      assert.equal(shown(tried, 'attempts'), '3 (set for mail.a)')
      assert.equal(shown(tried, 'retry-on'), 'failed,lost (set for mail.a)')
      assert.equal(shown(await functionOf(office, 'mail.a'), 'attempts'), 'off (default)')
      await office.set('mail.*', { attempts: 7 })
      await office.set('mail.a', { attempts: 3 })
      assert.equal(shown(await functionOf(office, 'mail.a'), 'attempts'), '3 (set for mail.a)')
      await office.set('mail.a', { attempts: null })
      assert.equal(shown(await functionOf(office, 'mail.a'), 'attempts'), '7 (set for mail.*)')
      const { policies, settings } = (await office.ask('listPolicies')) as {
        policies: object[]
        settings: { key: string }[]
      }
      assert.deepEqual(policies, [{ name: 'mail.*' }])
      assert.ok(settings.some(({ key }) => key === 'hide-payloads'))
    }),
  )

  it(
    'are changed by all of the values or by none',
    onStores(async (office) => {
      const params = { name: 'f' }
      const rows: readonly object[] = [
        {},
        { values: 'x' },
        { values: { attempts: 3, atempts: 4 } },
        { values: { attempts: -1 } },
        { values: { attempts: {} } },
        { values: { 'backoff-first': '2h', 'backoff-max': '1h' } },
        { values: {}, more: 1 },
      ]
      for (const body of rows) {
        assert.equal(await office.status('changePolicy', { params, body }), '400 BAD_REQUEST', JSON.stringify(body))
      }
      assert.equal(shown(await functionOf(office, 'f'), 'attempts'), 'off (default)')
      const names: readonly string[] = ['x'.repeat(513), 'a\tb']
      for (const name of names) {
        const status = await office.status('changePolicy', { params: { name }, body: { values: {} } })
        assert.equal(status, '400 BAD_REQUEST', name)
      }
    }),
  )

  it(
    'are paused, drained, and let go on though a pattern says otherwise',
    onStores(async (office) => {
      await office.submit('mail.a')
      const press = async (id: string, name: string) =>
        (await office.api.json(id, { params: { name } })) as FunctionPolicy
      assert.equal(shown(await press('pauseFunction', 'mail.*'), 'paused'), 'true (set for mail.*)')
      assert.equal((await functionOf(office, 'mail.a')).state?.paused, true)
      assert.equal(shown(await press('resumeFunction', 'mail.a'), 'paused'), 'false (set for mail.a)')
      assert.equal(shown(await press('resumeFunction', 'mail.*'), 'paused'), 'false (default)')
      await press('drainFunction', 'mail.a')
      assert.equal((await functionOf(office, 'mail.a')).state?.draining, true)
      await press('undrainFunction', 'mail.a')
      assert.equal((await functionOf(office, 'mail.a')).state?.draining, false)
    }),
  )

  it(
    'are purged, one of them or all of a pattern',
    onStores(async (office) => {
      for (const name of ['mail.a', 'mail.a', 'mail.b', 'other']) await office.submit(name)
      await office.submitLater('mail.b')
      assert.deepEqual(await office.ask('purgeFunction', {}, { name: 'mail.b' }), { purged: 2 })
      assert.deepEqual(await office.ask('purgeFunction', {}, { name: 'mail.*' }), { purged: 2 })
      assert.equal((await office.handles({})).length, 1)
    }),
  )
})

describe('payloads that are hidden', () => {
  it(
    'are not shown of jobs that wait, run, are dead or have ended; errors are',
    onStores(async (office) => {
      await office.set('secret', { 'hide-payloads': true, attempts: 1, 'keep-results': '1h' })
      const done = await office.finish('secret', 'hush')
      const dead = await office.bury('secret', 'no disk')
      const later = await office.submitLater('secret')
      const handle = await office.submit('secret', 'hush')
      const { peer } = await office.worker('secret')
      for (const each of [done, dead, later, handle]) {
        const job = await office.job(each)
        assert.deepEqual([job.workload, job.result, job.hidden], [undefined, undefined, true], job.state)
        assert.doesNotMatch(JSON.stringify(job), /hush/)
        assert.equal(await office.status('getJobWorkload', { params: { handle: each } }), '404 NOT_FOUND')
      }
      assert.equal(await office.status('getJobResult', { params: { handle: done } }), '404 NOT_FOUND')
      assert.equal((await office.job(dead)).failures[0]?.error, 'no disk')
      await office.set('secret', { 'hide-payloads': null })
      assert.deepEqual((await office.job(handle)).workload, { text: 'hush' })
      await peer.close()
    }),
  )
})
