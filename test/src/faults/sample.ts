import assert from 'node:assert/strict'
import { connect, PACKET, type RawPeer, request } from '../support/raw.ts'

// Jobs that are known one by one: all that there is to know of one follows from its number, so that whoever gets it
// sees whether it is whole. Some are large, some have another priority, every tenth waits for the year 2286.

const sampleFunctions = ['f0', 'f1', 'f2'] as const
const farSeconds = '9999999999'
const largeBytes = 30_000
const smallBytes = 300

export function uniqueOf(index: number): string {
  return `u${index}`
}

function isDelayed(index: number): boolean {
  return index % 10 === 9
}

/** The uniques of the first `count` samples. */
export function uniques(count: number, isWanted: (index: number) => boolean = () => true): string[] {
  return Array.from({ length: count }, (_, i) => i)
    .filter(isWanted)
    .map(uniqueOf)
    .toSorted()
}

export function isReady(index: number): boolean {
  return !isDelayed(index)
}

export function submission(index: number): Buffer {
  const name = sampleFunctions[index % sampleFunctions.length] ?? ''
  const workload = workloadOf(index)
  if (isDelayed(index)) return request(PACKET.SUBMIT_JOB_EPOCH, name, uniqueOf(index), farSeconds, workload)
  const types = [PACKET.SUBMIT_JOB_BG, PACKET.SUBMIT_JOB_HIGH_BG, PACKET.SUBMIT_JOB_LOW_BG] as const
  return request(types[index % 7 === 3 ? 1 : index % 7 === 5 ? 2 : 0], name, uniqueOf(index), workload)
}

/** Submits the samples from one number up to another, all at once; gives their handles, and must. */
export async function submitSamples(port: number, from: number, until: number): Promise<string[]> {
  await using client = await connect(port, 'client')
  const samples = Array.from({ length: until - from }, (_, i) => submission(from + i))
  client.sendBytes(Buffer.concat(samples))
  const handles: string[] = []
  while (handles.length < samples.length) handles.push(await createdHandle(client))
  return handles
}

/** Of the JOB_CREATED that comes next. */
export async function createdHandle(client: RawPeer): Promise<string> {
  const { name, body } = await client.receive('JOB_CREATED')
  assert.equal(name, 'JOB_CREATED', body.toString('latin1'))
  return body.toString('latin1')
}

/** Gives up on the first ERROR, which is given. */
export async function refusalOf(client: RawPeer): Promise<{ readonly code: string; readonly text: string }> {
  const { name, body } = await client.receive('ERROR')
  assert.equal(name, 'ERROR')
  const [code = '', text = ''] = body.toString('latin1').split('\0')
  return { code, text }
}

/** Takes the next job of the sample functions and looks whether it is whole. Undefined: there is none. */
export async function grabSample(worker: RawPeer): Promise<{ handle: string; unique: string } | undefined> {
  worker.send(PACKET.GRAB_JOB_UNIQ)
  const { name, args, data } = await worker.receive('JOB_ASSIGN_UNIQ or NO_JOB')
  if (name === 'NO_JOB') return undefined
  assert.equal(name, 'JOB_ASSIGN_UNIQ')
  const [handle = '', , unique = ''] = args
  assert.ok(data.equals(workloadOf(Number(unique.slice(1)))), `the workload of ${unique} is not what was submitted`)
  return { handle, unique }
}

/** A worker for all of them. */
export async function sampleWorker(port: number): Promise<RawPeer> {
  const worker = await connect(port, 'worker')
  for (const name of sampleFunctions) worker.send(PACKET.CAN_DO, name)
  return worker
}

/** Gives all jobs that are ready to a worker, which leaves them as they are; their uniques. */
export async function readySamples(port: number): Promise<string[]> {
  await using worker = await sampleWorker(port)
  const seen: string[] = []
  for (let job = await grabSample(worker); job !== undefined; job = await grabSample(worker)) seen.push(job.unique)
  return seen.toSorted()
}

/** All jobs there are. */
export async function listedUniques(port: number): Promise<string[]> {
  await using client = await connect(port, 'administrator')
  client.sendLine('show unique jobs')
  const rows = (await client.receiveText(/^\.\n/m)).split('\n').slice(0, -2)
  return rows.toSorted()
}

/** The store has the first `count` samples, each whole, and no other jobs. */
export async function assertHasSamples(port: number, count: number): Promise<void> {
  assert.deepEqual(await listedUniques(port), uniques(count))
  assert.deepEqual(await readySamples(port), uniques(count, isReady))
}

/** A foreground job goes from a client to a worker and back. */
export async function assertForeground(port: number): Promise<void> {
  await using client = await connect(port, 'foreground client')
  await using worker = await connect(port, 'foreground worker')
  client.send(PACKET.SUBMIT_JOB, 'foreground', '', 'x')
  const handle = await createdHandle(client)
  worker.send(PACKET.CAN_DO, 'foreground')
  worker.send(PACKET.GRAB_JOB)
  assert.equal((await worker.receive('JOB_ASSIGN')).args[0], handle)
  worker.send(PACKET.WORK_COMPLETE, handle, 'done')
  const { name, data } = await client.receive('WORK_COMPLETE')
  assert.deepEqual([name, data.toString()], ['WORK_COMPLETE', 'done'])
}

function workloadOf(index: number): Buffer {
  return Buffer.alloc(index % 50 === 0 ? largeBytes : smallBytes, `${index} `)
}
