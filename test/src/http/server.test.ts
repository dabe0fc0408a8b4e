import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServerState } from '@geartrain/protocol'
import { version } from '@geartrain/server'
import { onStores } from './office.ts'

test(
  'the server tells what it is and what there is',
  onStores(async (office, isDurable) => {
    await office.submit('f')
    await office.submitLater('f')
    await office.submit('g')
    const { peer } = await office.worker('g')
    const state = (await office.ask('getServer')) as ServerState
    assert.equal(state.version, version)
    assert.equal(state.node, process.version)
    assert.equal(state.pid, process.pid)
    assert.ok(state.startedAt <= state.now)
    assert.deepEqual(
      state.addresses.map(({ kind, address }) => `${kind} ${address}`),
      ['gearman 127.0.0.1', 'http 127.0.0.1'],
    )
    assert.deepEqual(state.jobs, { ready: 1, delayed: 1, running: 1, dead: 0 })
    assert.deepEqual([state.functions, state.connections, state.workers], [2, 2, 1])
    assert.match(state.store.name, isDurable ? /^sqlite:/ : /^memory$/)
    assert.equal(state.store.failure, null)
    assert.equal(state.store.batches > 0, isDurable)
    assert.equal(state.limits['functionsMax'], 10_000)
    assert.deepEqual([state.isDraining, state.isOpen], [false, true])
    await peer.close()
  }),
)
