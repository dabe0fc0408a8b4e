import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PACKET, request } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { LocalServer } from './local-server.ts'

it('2,000 connections at once: clients that wait, workers that sleep, and nobody is forgotten', async () => {
  // With a shorter backlog some wait a second for the kernel to try again.
  await using local = await LocalServer.start({ backlog: 4096 })
  const count = 1000
  const clients = await Promise.all(Array.from({ length: count }, (_, n) => local.connectSilently(`client ${n}`)))
  const workers = await Promise.all(Array.from({ length: count }, (_, n) => local.connectSilently(`worker ${n}`)))
  const ready = Buffer.concat([request(PACKET.CAN_DO, 'f'), request(PACKET.PRE_SLEEP)])
  for (const worker of workers) worker.sendBytes(ready)
  await until('all are asleep', () => local.server.engine.findFunction('f')?.sleepers.length === count)
  assert.equal(local.server.connectionCount, 2 * count)

  for (const [n, client] of clients.entries()) client.send(PACKET.SUBMIT_JOB, 'f', '', String(n))
  const handles = await Promise.all(
    clients.map(async (client) => (await client.receive('JOB_CREATED')).body.toString()),
  )
  assert.equal(new Set(handles).size, count)
  await Promise.all(
    workers.map(async (worker) => {
      assert.equal((await worker.receive('NOOP')).name, 'NOOP')
      worker.send(PACKET.GRAB_JOB)
      const { args, data } = await worker.receive('JOB_ASSIGN')
      worker.send(PACKET.WORK_COMPLETE, args[0] ?? '', `${data.toString()} done`)
    }),
  )
  for (const [n, client] of clients.entries()) {
    const { args, data } = await client.receive('WORK_COMPLETE')
    assert.deepEqual([args[0], data.toString()], [handles[n], `${n} done`])
  }
  assert.equal(local.server.engine.jobCount, 0)
  for (const worker of workers) worker.destroy()
  await until('the workers have left', () => local.server.connectionCount === count)
  await local.assertServes()
})

describe('numbers of connections', () => {
  it('are used again, the last one left first, as file descriptors are', async () => {
    await using local = await LocalServer.start()
    const peers = [await local.connect('0'), await local.connect('1'), await local.connect('2')]
    peers[1]?.destroy()
    await until('it has left', () => local.server.connectionCount === 2)
    const again = await local.connect('again')
    again.sendLine('workers')
    const rows = (await again.receiveText('.\n')).split('\n').slice(0, -2)
    assert.deepEqual(new Set(rows.map((row) => row.split(' ')[0])), new Set(['0', '1', '2']))
    // What was meant for the one who left does not reach the one who has its number.
    await again.expectNothing()
  })

  it('a job of a client that left is not answered to the next one with its number', async () => {
    await using local = await LocalServer.start()
    const { client, worker, handle } = await local.jobInHand()
    client.destroy()
    await until('it has left', () => local.server.connectionCount === 1)
    const next = await local.connect('next')
    worker.send(PACKET.WORK_DATA, handle, 'd')
    worker.send(PACKET.WORK_COMPLETE, handle, 'r')
    await worker.expectNothing()
    await next.expectNothing()
  })
})
