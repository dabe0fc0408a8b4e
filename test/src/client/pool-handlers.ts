import { threadId } from 'node:worker_threads'
import { type AssignedJob, JobFailure } from '@geartrain/client'

// Handlers that run in the threads and processes of pools.

export default function reverse(job: AssignedJob): string {
  return Array.from(job.text()).reverse().join('')
}

export function describe({ handle, function: jobFunction, unique, reducer, workload, ...job }: AssignedJob): string {
  const isBytes = workload instanceof Uint8Array
  return JSON.stringify({ handle, function: jobFunction, unique, reducer, isBytes, rest: Object.keys(job) })
}

export function read(job: AssignedJob): string {
  return JSON.stringify([job.text(), job.json(), Array.from(job.workload)])
}

/** A part of more bytes than it returns. */
export function part(job: AssignedJob): Uint8Array {
  return new Uint8Array(1000).fill(7).subarray(10, 10 + Number(job.text()))
}

export async function nothing(): Promise<void> {}

export async function talk(job: AssignedJob): Promise<string> {
  job.progress(1, 2)
  await job.data('grün')
  await job.data(Uint8Array.of(1, 2))
  await job.warn('careful')
  return 'end'
}

/** So many chunks of so many bytes. */
export async function flood(job: AssignedJob): Promise<void> {
  const [chunks = 0, bytes = 0] = job.text().split(' ').map(Number)
  for (let i = 0; i < chunks; i++) await job.data(new Uint8Array(bytes).fill(i))
}

/** Whether a chunk was sent before the job had it, and after. */
export async function wait(job: AssignedJob): Promise<string> {
  let isSent = false
  const sent = job.data('chunk').then(() => {
    isSent = true
  })
  // There and back, behind the chunk.
  await job.warn('')
  const before = isSent
  job.progress(1, 2)
  await sent
  return `${before} ${isSent}`
}

export async function wrong(job: AssignedJob): Promise<string> {
  // What plain JavaScript can do.
  const chunk = 42 as unknown as string
  return job.data(chunk).then(
    () => 'taken',
    (error: unknown) => (error instanceof Error ? error.name : 'no error'),
  )
}

export function wrongProgress(job: AssignedJob): void {
  job.progress(0.5, 1)
}

export function wrongResult(): never {
  // What plain JavaScript can do.
  return Symbol('nothing that can be sent') as never
}

export async function* stream(job: AssignedJob): AsyncGenerator<string> {
  for (const word of job.text().split(' ')) yield word
}

export function list(): unknown[] {
  return [1, new Date(0)]
}

export function boom(): void {
  throw Object.assign(new RangeError('boom', { cause: 'a spark' }), { code: 'E_BOOM' })
}

export function giveUp(): void {
  throw new JobFailure({ cause: new Error('too hard') })
}

export function throwText(): void {
  throw 'only text'
}

export function throwSymbol(): void {
  throw Symbol('unspeakable')
}

/** Throws what its signal was aborted with, and not before. */
export async function untilAborted(job: AssignedJob): Promise<void> {
  job.progress(0, 1)
  await new Promise((resolve) => job.signal.addEventListener('abort', resolve))
  job.signal.throwIfAborted()
}

/** Keeps its place from ending by itself. */
export async function stay(job: AssignedJob): Promise<void> {
  setInterval(() => {}, 1_000_000)
  job.progress(0, 1)
  await new Promise(() => {})
}

export function hang(job: AssignedJob): void {
  job.progress(0, 1)
  for (;;);
}

let running = 0

/** Where it ran, and with how many others in the same place. */
export async function place(): Promise<string> {
  running++
  for (let i = 0; i < 5; i++) await new Promise(setImmediate)
  const seen = running--
  return `${process.pid}-${threadId} ${seen}`
}

export function exit(job: AssignedJob): never {
  process.exit(Number(job.text()))
}

/** Ends its process as a bug in native code would. */
export async function die(job: AssignedJob): Promise<void> {
  process.kill(process.pid, job.text())
  await new Promise(() => {})
}

/** Sends its process what a terminal sends to all processes at once. */
export async function interrupt(): Promise<string> {
  // It would end at once if nobody listened.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.kill(process.pid, signal)
  for (let i = 0; i < 5; i++) await new Promise(setImmediate)
  return 'still here'
}

export function devour(): void {
  const food: unknown[] = []
  for (;;) food.push(Array.from({ length: 1000 }, () => food.length))
}

/** Its place ends when it has given back its result. */
export function leaveTrap(): string {
  setImmediate(() => {
    throw new Error('trapped')
  })
  return 'all is well'
}

/** An error that nobody awaits, while the job runs. */
export async function stumble(): Promise<void> {
  setImmediate(() => {
    throw new Error('stumbled')
  })
  await new Promise(() => {})
}
