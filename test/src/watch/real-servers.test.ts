import assert from 'node:assert/strict'
import { test } from 'node:test'
import { untilTrue } from '../cli/command.ts'
import { missing, type Server, type ServerKind, startGearmand, startServer } from '../support/peers.ts'
import { connect, PACKET } from '../support/raw.ts'
import { TestMonitor } from './monitor.ts'

const skip = missing('gearmand') ?? false

/** A job that waits, one that is done, and a worker that has said who it is. */
async function occupy(port: number) {
  const client = await connect(port, 'client')
  const worker = await connect(port, 'worker')
  worker.send(PACKET.SET_CLIENT_ID, 'joe')
  worker.send(PACKET.CAN_DO, 'resize')
  for (const unique of ['one', 'two']) {
    client.send(PACKET.SUBMIT_JOB_BG, 'resize', unique, 'x')
    await client.receive('JOB_CREATED')
  }
  worker.send(PACKET.GRAB_JOB)
  await worker.receive('JOB_ASSIGN')
  return {
    async [Symbol.asyncDispose]() {
      await client.close()
      await worker.close()
    },
  }
}

for (const kind of ['gearmand', 'ours'] as const satisfies readonly ServerKind[]) {
  test(`what ${kind} has`, { skip: kind === 'gearmand' && skip }, async () => {
    await using server: Server = await startServer(kind)
    await using _busy = await occupy(server.port)
    await using monitor = await TestMonitor.start([`localhost:${server.port}`])
    const { version, functions, workers, failure, address } = await monitor.first()
    assert.deepEqual([address, failure], [`localhost:${server.port}`, undefined])
    assert.match(version ?? '', /^\d/)
    assert.deepEqual(functions, [{ name: 'resize', queued: 1, running: 1, workers: 1 }])
    assert.equal(workers.length, 1)
    assert.ok((workers[0]?.number ?? 0) > 0)
    assert.match(workers[0]?.address ?? '', /^127\.0\.0\.1$/)
    assert.deepEqual([workers[0]?.clientId, workers[0]?.functions], ['joe', ['resize']])
  })
}

test('a gearmand that is started again comes back by itself, beside others', { skip }, async () => {
  await using other = await startServer('ours')
  const first = await startGearmand()
  await using monitor = await TestMonitor.start([`127.0.0.1:${first.port}`, `127.0.0.1:${other.port}`])
  const isFailing = async () => {
    monitor.clock.advance(1000)
    const [watched, beside] = await monitor.ask()
    assert.equal(beside?.failure, undefined)
    return watched?.failure !== undefined
  }
  assert.equal(await isFailing(), false)
  await first.stop()
  await untilTrue('it is seen to have gone', isFailing)
  await using _second = await startGearmand([], first.port)
  await untilTrue('it is seen to be back', async () => !(await isFailing()))
})
