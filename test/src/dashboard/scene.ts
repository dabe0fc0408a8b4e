import { setTimeout as delay } from 'node:timers/promises'
import type { AssignedJob } from '@geartrain/client'
import type { ServerOptions } from '@geartrain/server'
import type { Stage } from './stage.ts'

// A shop in the middle of its day, for those who look at the pages and for their pictures: it goes on until it is stopped.

/** What its server is told at its start, besides where it keeps its jobs. */
export const sceneOptions: Partial<ServerOptions> = {
  handlePrefix: 'H:shop-1',
  functions: {
    'mail.*': { attempts: 3, 'backoff-first': '2s', 'keep-results': '1h' },
    'webhook.deliver': { attempts: 2, 'backoff-first': '1s', timeout: '30s' },
    'billing.charge': { attempts: 1, concurrency: 2, 'hide-payloads': true },
    'image.resize': { 'keep-results': '1h' },
    'video.transcode': { paused: true },
  },
  schedules: [
    { name: 'nightly-report', function: 'report.build', cron: '0 3 * * *', timezone: 'Europe/Berlin' },
    { name: 'cleanup', function: 'cache.sweep', every: '5s' },
    { name: 'invoices', function: 'billing.invoice', cron: '30 6 1 * *', timezone: 'America/New_York', paused: true },
  ],
}

interface Part {
  readonly name: string
  /** Jobs a second. */
  readonly rate: number
  /** The longest that a job takes; half of that on average. */
  readonly tookMs: number
  /** Of a thousand, so many fail. */
  readonly failures?: number
  readonly error?: () => string
  /** None: nobody does it. */
  readonly workers: readonly string[]
  payload(index: number): string
}

const parts: readonly Part[] = [
  {
    name: 'image.resize',
    rate: 14,
    tookMs: 300,
    workers: ['resizer-1', 'resizer-2', 'resizer-3'],
    payload: (index) => JSON.stringify({ source: `s3://uploads/${index}.jpg`, width: 1200, formats: ['webp', 'avif'] }),
  },
  {
    name: 'mail.send',
    rate: 9,
    tookMs: 150,
    failures: 15,
    error: () => 'SMTP 421 4.7.0: try again later, closing connection',
    workers: ['mailer-1', 'mailer-2'],
    payload: (index) => `a:3:{s:2:"to";s:16:"anna@example.org";s:8:"template";s:7:"welcome";s:2:"id";i:${index};}`,
  },
  {
    name: 'webhook.deliver',
    rate: 3,
    tookMs: 250,
    failures: 400,
    error: () =>
      `FetchError: connect ETIMEDOUT 203.0.113.${Math.floor(Math.random() * 200)}:443\n    at deliver (/app/webhooks.js:48:11)\n    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)`,
    workers: ['webhooks-1'],
    payload: (index) =>
      JSON.stringify({ url: 'https://partner.example/hooks', event: 'order.paid', order: 40_000 + index }),
  },
  {
    name: 'billing.charge',
    rate: 1.5,
    tookMs: 500,
    failures: 60,
    error: () => 'card was declined',
    workers: ['billing-1'],
    payload: (index) => JSON.stringify({ order: 40_000 + index, cents: 1990 }),
  },
  {
    name: 'search.index',
    rate: 25,
    tookMs: 40,
    workers: ['indexer-1', 'indexer-2'],
    payload: (index) => JSON.stringify({ document: `product:${index % 900}` }),
  },
  { name: 'audit.export', rate: 0.4, tookMs: 0, workers: [], payload: (index) => `day=${index}` },
  { name: 'video.transcode', rate: 0.3, tookMs: 0, workers: ['transcoder-1'], payload: (index) => `clip ${index}` },
  { name: 'cache.sweep', rate: 0, tookMs: 200, workers: ['resizer-1'], payload: () => '' },
]

const tickMs = 100

/** Workers come, and clients that leave jobs, until the way to end it is taken. */
export async function play(stage: Stage): Promise<() => void> {
  const end = new AbortController()
  const clientIds = new Set(parts.flatMap(({ workers }) => workers))
  for (const clientId of [...clientIds, 'reporter-1']) await hire(stage, clientId)
  await prepare(stage)
  void submitAll(stage, end.signal)
  return () => end.abort()
}

async function hire(stage: Stage, clientId: string): Promise<void> {
  const worker = stage.worker({ clientId, concurrency: 2, onError() {} })
  for (const part of parts.filter(({ workers }) => workers.includes(clientId))) {
    worker.handle(part.name, (job) => perform(job, part))
  }
  if (clientId === 'reporter-1') worker.handle('report.build', report)
  await worker.start()
}

async function perform(job: AssignedJob, { name, tookMs, failures = 0, error }: Part): Promise<string> {
  await delay(Math.random() * tookMs, undefined, { signal: job.signal })
  if (Math.random() * 1000 < failures) throw new Error(error?.() ?? 'it has failed')
  return JSON.stringify({ done: name, handle: job.handle })
}

/** A long one that tells how far it is. */
async function report(job: AssignedJob): Promise<string> {
  for (let page = 1; page <= 600; page++) {
    job.progress(page, 600)
    if (page % 5 === 0) await job.data(`page ${page}: ${Math.floor(Math.random() * 5000)} rows\n`)
    await delay(500, undefined, { signal: job.signal })
  }
  return 'report.pdf'
}

/** What is there from the beginning. */
async function prepare({ client }: Stage): Promise<void> {
  const jobs = [
    client.submitBackground('report.build', JSON.stringify({ month: '2026-10' }), { unique: 'report-2026-10' }),
  ]
  for (let index = 0; index < 40; index++) {
    const runAt = new Date(Date.now() + (index + 1) * 90_000)
    jobs.push(client.submitBackground('mail.digest', `{"user":${index}}`, { runAt, unique: `digest-${index}` }))
    jobs.push(client.submitBackground('audit.export', `day=${index}`, { priority: index % 3 === 0 ? 'high' : 'low' }))
    jobs.push(client.submitBackground('video.transcode', `clip ${index}`))
  }
  await Promise.all(jobs)
}

async function submitAll({ client }: Stage, signal: AbortSignal): Promise<void> {
  const owed = new Map<Part, number>()
  for (let index = 0; !signal.aborted; ) {
    for (const part of parts) {
      let due = (owed.get(part) ?? Math.random()) + (part.rate * tickMs) / 1000
      for (; due >= 1; due--) {
        index++
        const unique = `${part.name}-${index}`
        await client.submitBackground(part.name, part.payload(index), { unique }).catch(() => '')
      }
      owed.set(part, due)
    }
    await delay(tickMs)
  }
}
