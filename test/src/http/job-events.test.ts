import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import type { LocalServer } from '../server/local-server.ts'
import { PACKET, type RawPeer } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { JobEventReader } from './job-event-reader.ts'
import { originOf, startLocal } from './local-http.ts'

const run = promisify(execFile)

async function submit(local: LocalServer, name: string, query = ''): Promise<string> {
  const answer = await fetch(`${originOf(local)}/api/functions/${name}/jobs${query}`, { method: 'POST', body: 'work' })
  return ((await answer.json()) as { handle: string }).handle
}

function watch(local: LocalServer, handle: string): Promise<JobEventReader> {
  return JobEventReader.open(`${originOf(local)}/api/jobs/${encodeURIComponent(handle)}/events`)
}

async function snapshot(reader: JobEventReader): Promise<Record<string, unknown>> {
  const first = await reader.next()
  assert.equal(first?.event, 'snapshot')
  return first.data as Record<string, unknown>
}

async function grab(local: LocalServer, name: string): Promise<RawPeer> {
  const worker = await local.connect('worker')
  worker.send(PACKET.CAN_DO, name)
  worker.send(PACKET.GRAB_JOB)
  await worker.receive('JOB_ASSIGN')
  return worker
}

test('a snapshot, what happens, and the end', async () => {
  await using local = await startLocal()
  const handle = await submit(local, 'f', '?attempts=2&backoff-first=0')
  const readers = [await watch(local, handle), await watch(local, handle)]
  for (const reader of readers) {
    const { state, workload, attempts } = await snapshot(reader)
    assert.deepEqual([state, workload, attempts], ['ready', undefined, 0])
  }
  const worker = await grab(local, 'f')
  worker.send(PACKET.WORK_STATUS, handle, '1', '2')
  worker.send(PACKET.WORK_DATA, handle, 'some')
  worker.send(PACKET.WORK_WARNING, handle, Buffer.from([255]))
  worker.send(PACKET.WORK_DATA, handle, 'x'.repeat(64 * 1024 + 1))
  worker.send(PACKET.WORK_EXCEPTION, handle, 'no')
  await worker.sync()
  const last = await grab(local, 'f')
  const late = await watch(local, handle)
  assert.equal((await snapshot(late))['state'], 'running')
  last.send(PACKET.WORK_COMPLETE, handle, 'done')
  const end = { event: 'ended', data: { outcome: 'complete', dead: false, result: { text: 'done' } } }
  for (const reader of readers) {
    assert.deepEqual(await reader.rest(), [
      { event: 'started', data: { attempt: 1 } },
      { event: 'progress', data: { numerator: 1, denominator: 2 } },
      { event: 'data', data: { text: 'some' } },
      { event: 'warning', data: { base64: '/w==' } },
      { event: 'data', data: { bytes: 64 * 1024 + 1 } },
      { event: 'retried', data: { reason: 'exception', attempts: 1, waitMs: 0 } },
      { event: 'started', data: { attempt: 2 } },
      end,
    ])
  }
  assert.deepEqual(await late.rest(), [end])
  const gone = await watch(local, handle)
  assert.equal(gone.status, 404)
  gone.close()
})

test('a job that has ended has its snapshot and its end', async () => {
  await using local = await startLocal()
  const kept = await submit(local, 'f', '?keep-results=1h')
  const worker = await grab(local, 'f')
  worker.send(PACKET.WORK_COMPLETE, kept, 'done')
  await worker.sync()
  const result = { text: 'done' }
  const ofKept = await watch(local, kept)
  assert.deepEqual((await snapshot(ofKept))['result'], result)
  assert.deepEqual(await ofKept.rest(), [{ event: 'ended', data: { outcome: 'complete', dead: false, result } }])

  const dead = await submit(local, 'g', '?attempts=1')
  const watching = await watch(local, dead)
  await snapshot(watching)
  const other = await grab(local, 'g')
  other.send(PACKET.WORK_EXCEPTION, dead, 'no')
  await other.sync()
  const [, end] = await watching.rest()
  assert.deepEqual(end, { event: 'ended', data: { outcome: 'exception', dead: true, result: { text: 'no' } } })
  const ofDead = await watch(local, dead)
  assert.equal((await snapshot(ofDead))['state'], 'dead')
  assert.deepEqual(await ofDead.rest(), [{ event: 'ended', data: { outcome: 'exception', dead: true } }])
})

test('a job that is cancelled has ended', async () => {
  await using local = await startLocal()
  const handle = await submit(local, 'f')
  const reader = await watch(local, handle)
  await snapshot(reader)
  await fetch(`${originOf(local)}/api/jobs/${handle}/cancel`, { method: 'POST' })
  assert.deepEqual(await reader.rest(), [{ event: 'ended', data: { outcome: 'cancelled', dead: false } }])
})

test('payloads that a policy hides are told by their length', async () => {
  await using local = await startLocal({ functions: { f: { 'hide-payloads': 'true' } } })
  const handle = await submit(local, 'f')
  const reader = await watch(local, handle)
  assert.equal((await snapshot(reader))['hidden'], true)
  const worker = await grab(local, 'f')
  worker.send(PACKET.WORK_DATA, handle, 'some')
  worker.send(PACKET.WORK_COMPLETE, handle, 'done')
  assert.deepEqual(await reader.rest(), [
    { event: 'started', data: { attempt: 1 } },
    { event: 'data', data: { bytes: 4 } },
    { event: 'ended', data: { outcome: 'complete', dead: false } },
  ])
})

test('a reader that does not read is cut off, and the others get all of it', async () => {
  await using local = await startLocal()
  const handle = await submit(local, 'f')
  const slow = await watch(local, handle)
  const quick = await watch(local, handle)
  await snapshot(quick)
  const worker = await grab(local, 'f')
  const part = 'x'.repeat(48 * 1024)
  let seen = 0
  const reading = (async () => {
    for (let read = await quick.next(); read !== undefined; read = await quick.next()) seen++
  })()
  // Far more than sockets take on the way.
  const parts = 400
  for (let count = 0; count < parts; count++) {
    worker.send(PACKET.WORK_DATA, handle, part)
    await worker.sync()
    await until('the quick one has it', () => seen === count + 2)
  }
  worker.send(PACKET.WORK_COMPLETE, handle, 'end')
  await reading
  assert.equal(seen, parts + 2)
  await assert.rejects(slow.rest(), /aborted/)
})

test('who leaves is forgotten', async () => {
  await using local = await startLocal()
  const handle = await submit(local, 'f')
  const readers = await Promise.all(Array.from({ length: 50 }, () => watch(local, handle)))
  for (const reader of readers) await snapshot(reader)
  for (const reader of readers.splice(1)) reader.close()
  const worker = await grab(local, 'f')
  worker.send(PACKET.WORK_COMPLETE, handle, '')
  const [left] = readers
  assert.deepEqual(
    (await left?.rest())?.map(({ event }) => event),
    ['started', 'ended'],
  )
})

test('curl sees them as text', async () => {
  await using local = await startLocal()
  const handle = await submit(local, 'f', '?keep-results=1h')
  const worker = await grab(local, 'f')
  worker.send(PACKET.WORK_COMPLETE, handle, 'done')
  await worker.sync()
  const { stdout } = await run('curl', ['-sN', `${originOf(local)}/api/jobs/${handle}/events`])
  assert.match(stdout, /^event: snapshot\ndata: \{.*\}\n\nevent: ended\ndata: \{"outcome":"complete".*\}\n\n$/)
})
