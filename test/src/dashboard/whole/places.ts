import assert from 'node:assert/strict'
import { Client } from '@geartrain/client'
import type { ServerOptions } from '@geartrain/server'
import type { Locator, Page } from 'playwright-core'
import { Stage } from '../stage.ts'

// A server with something on every page, and the table of all pages: what must hold of each is tested of each.

/** Texts that reach the pages. */
export interface Words {
  readonly function: string
  /** At most 64 bytes. */
  readonly unique: string
  readonly worker: string
  readonly workload: string
  readonly result: string
  readonly error: string
  readonly data: string
  readonly warning: string
  /** At most 54 bytes. */
  readonly schedule: string
}

export const plainWords: Words = {
  function: 'mail.send',
  unique: 'order-17',
  worker: 'mailer-1',
  workload: '{"to":"anna@example.org"}',
  result: '{"sent":true}',
  error: 'relay 10.0.0.1 is down\n    at send (/app/mail.js:3:5)',
  data: 'page 1: 17 rows\n',
  warning: 'the relay is slow',
  schedule: 'nightly',
}

/** What the server has to be told at its start. */
export const placesOptions: Partial<ServerOptions> = {
  handlePrefix: 'H:all',
  functions: { '*': { attempts: 1, 'keep-results': '1h' } },
}

/** A job's handle by its state. */
export type Handles = Readonly<Record<'dead' | 'complete' | 'running' | 'delayed' | 'ready', string>>

export interface Place {
  readonly name: string
  /** With its query, without the slash before it. */
  readonly path: string
  /** What is seen once it is all there. */
  readonly shown: (page: Page) => Locator
}

/** The API, as a program speaks to it. */
export class Caller {
  readonly #origin: string
  readonly #headers: Readonly<Record<string, string>>

  constructor(origin: string, token?: string) {
    this.#origin = origin
    this.#headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  }

  /** Its answer; text goes as bytes, all else as JSON. */
  async call<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const headers = { ...this.#headers, 'content-type': typeof body === 'object' ? 'application/json' : 'text/plain' }
    const sent = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }
    const answer = await fetch(`${this.#origin}/api/${path}`, { method, headers, ...sent })
    const text = await answer.text()
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`)
    // As the API says of itself, against which it is tested elsewhere.
    return (text === '' ? undefined : JSON.parse(text)) as Answer
  }

  async stateOf(handle: string): Promise<string> {
    return (await this.call<{ readonly state: string }>('GET', `jobs/${encodeURIComponent(handle)}`)).state
  }

  /** The worker of a job that it takes, which has the job until it says what became of it. */
  async take(words: Words): Promise<(act: string, body?: unknown) => Promise<void>> {
    const asked = { functions: [words.function], worker: words.worker, lease: '1h', wait: '10s' }
    const job = await this.call<{ readonly lease: string } | undefined>('POST', 'work/take', asked)
    return async (act, body = '') => {
      await this.call('POST', `work/${job?.lease ?? assert.fail('there is no job')}/${act}`, body)
    }
  }
}

/** A job of each state, and a schedule. */
/** One that has something on every page, of a shop in which somebody sweeps. */
export async function openPlaces(options: Partial<ServerOptions> = {}): Promise<readonly [Stage, Handles]> {
  const stage = await Stage.open({ ...placesOptions, ...options })
  await stage
    .worker({ clientId: 'sweeper-1' })
    .handle('sweep', () => '')
    .start()
  return [stage, await fill(stage)]
}

export async function fill(stage: Stage, words: Words = plainWords, token?: string): Promise<Handles> {
  const caller = new Caller(stage.origin, token)
  const client = token === undefined ? stage.client : new Client(stage.address, { token })
  const { function: name, unique, workload } = words
  const dead = await client.submitBackground(name, workload)
  await (await caller.take(words))('fail', words.error)
  const complete = await client.submitBackground(name, workload, { unique })
  await (await caller.take(words))('complete', words.result)
  const running = await client.submitBackground(name, workload, { unique })
  await (await caller.take(words))('progress', { numerator: 45, denominator: 100 })
  const delayed = await client.submitBackground(name, workload, { delayMs: 3_600_000 })
  const ready = await client.submitBackground(name, workload, { priority: 'high' })
  const schedule = { function: visible(name), workload: { text: workload }, every: '1h', unique: visible(unique) }
  await caller.call('PUT', `schedules/${encodeURIComponent(words.schedule)}`, schedule)
  if (client !== stage.client) await client.close()
  return { dead, complete, running, delayed, ready }
}

/** Schedules take no control characters. */
export function visible(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '')
}

/** All pages of a server that has been filled so. */
export function placesOf(handles: Handles, words: Words = plainWords): readonly Place[] {
  const { function: name, schedule } = words
  return [
    { name: 'overview', path: '', shown: (page) => rowOf(page, name) },
    { name: 'functions', path: 'functions', shown: (page) => rowOf(page, name) },
    {
      name: 'function',
      path: `function?${new URLSearchParams({ name }).toString()}`,
      // Names with control characters in them have no policy.
      shown: (page) =>
        visible(name) === name
          ? page.getByRole('row', { name: /^attempts 1 / })
          : page.getByRole('heading', { level: 1, name: visible(name).slice(0, 8) }),
    },
    { name: 'jobs', path: 'jobs', shown: (page) => rowOf(page, handles.ready) },
    ...Object.entries(handles).map(([state, handle]) => ({
      name: `a ${state} job`,
      path: `job?${new URLSearchParams({ handle }).toString()}`,
      shown: (page: Page) => page.getByRole('heading', { level: 1, name: `${handle} ${state}` }),
    })),
    {
      name: 'a job that is gone',
      path: 'job?handle=H:all:999999999999999999',
      shown: (page) => page.getByText('This job is not known here'),
    },
    { name: 'workers', path: 'workers', shown: (page) => rowOf(page, words.worker) },
    { name: 'connections', path: 'workers?show=all', shown: (page) => rowOf(page, words.worker) },
    { name: 'schedules', path: 'schedules', shown: (page) => rowOf(page, schedule) },
    {
      name: 'schedule',
      path: `schedule?${new URLSearchParams({ name: schedule }).toString()}`,
      shown: (page) => page.getByRole('heading', { level: 2, name: 'Next times' }),
    },
    { name: 'failures', path: 'failures', shown: (page) => rowOf(page, 'exception').or(rowOf(page, 'failed')) },
    { name: 'servers', path: 'servers', shown: (page) => rowOf(page, name) },
    { name: 'unknown page', path: 'nothing-is-here', shown: (page) => page.getByText('There is no page here') },
  ]
}

/** The first one that has this in it. */
export function rowOf(page: Page, text: string): Locator {
  return page.locator('tr[data-row]').filter({ hasText: text }).first()
}

/** All of it is there: nothing is still to be loaded. */
export async function settled(page: Page, place: Place): Promise<void> {
  await place.shown(page).waitFor()
  await page.locator('main .loading, main [aria-busy=true]').first().waitFor({ state: 'detached' })
}
