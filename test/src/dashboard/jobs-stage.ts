import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ControlOperations, JobDescription } from '@geartrain/protocol'
import type { Locator, Page } from 'playwright-core'
import { Stage } from './stage.ts'

export const hostile = `<img src=x onerror="alert(1)">"' \\ 😀 </script>`
export const long: string = 'x'.repeat(512)

/** A server with jobs in each state, and pages that show them. */
export class JobsStage implements AsyncDisposable {
  readonly stage: Stage
  readonly #directory: string
  /** Lets the worker's job end. */
  readonly #finish: () => void

  private constructor(stage: Stage, directory: string, finish: () => void) {
    this.stage = stage
    this.#directory = directory
    this.#finish = finish
  }

  static async open(): Promise<JobsStage> {
    const directory = mkdtempSync(join(tmpdir(), 'geartrain-jobs-'))
    const stage = await Stage.open({
      store: `sqlite:${join(directory, 'jobs.db')}`,
      handlePrefix: 'H:test',
      functions: { '*': { attempts: 1 }, 'mail.kept': { 'keep-results': '1h' } },
    })
    let finish = () => {}
    const finished = new Promise<void>((resolve) => {
      finish = resolve
    })
    const jobs = new JobsStage(stage, directory, finish)
    await jobs.#fill(finished)
    return jobs
  }

  async #fill(finished: Promise<void>): Promise<void> {
    const { client } = this.stage
    const worker = this.stage.worker({ clientId: 'joe', concurrency: 4, onError() {} })
    worker.handle('slow', async (job) => {
      job.progress(45, 100)
      await finished
    })
    worker.handle('mail.kept', () => 'ok')
    worker.handle('broken', () => {
      throw new Error('could not connect to 10.0.0.1\n    at connect (/app/smtp.js:3:5)')
    })
    await worker.start()
    await client.submitBackground('slow', '', { unique: 'report-7' })
    for (let i = 0; i < 3; i++) await client.submitBackground('broken', '')
    for (let i = 0; i < 2; i++) await client.submitBackground('mail.kept', '')
    for (let i = 0; i < 4; i++) await client.submitBackground('mail.later', '', { delayMs: 3_600_000 })
    for (let i = 0; i < 120; i++) await client.submitBackground('paged', '', { unique: `p-${i}` })
    await client.submitBackground(hostile, '', { unique: hostile.slice(0, 60) })
    await client.submitBackground(long, '', { priority: 'high' })
    await this.settled('state=dead', 3)
    await this.settled('state=complete', 2)
    await this.settled('state=running', 1)
  }

  async total(query: string): Promise<number> {
    return (await this.#ask<{ readonly count: number }>(`jobs/count?${query}`)).count
  }

  async first(query: string): Promise<ControlOperations['jobs']['answer']['jobs'][number]> {
    const { jobs } = await this.#ask<ControlOperations['jobs']['answer']>(`jobs?${query}`)
    return jobs[0] ?? assert.fail(`there is no job of ${query}`)
  }

  job(handle: string): Promise<JobDescription> {
    return this.#ask(`jobs/${encodeURIComponent(handle)}`)
  }

  async change(body: object): Promise<void> {
    await this.#ask('jobs/bulk', body)
  }

  /** When there are so many. */
  async settled(query: string, count: number): Promise<void> {
    while ((await this.total(query)) !== count);
  }

  async #ask<Answer>(path: string, body?: object): Promise<Answer> {
    const headers = { 'content-type': 'application/json' }
    const init = body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) }
    const answer = await fetch(`${this.stage.origin}/api/${path}`, init)
    assert.equal(answer.status, 200)
    // As the API says, against which it is tested elsewhere.
    return (await answer.json()) as Answer
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#finish()
    await this.stage[Symbol.asyncDispose]()
    rmSync(this.#directory, { recursive: true })
  }
}

export function rows(page: Page): Locator {
  return page.getByRole('table', { name: 'Jobs' }).locator('[data-row]')
}

/** What stands beside that which can be done. */
export async function scopeOf(page: Page, text: string): Promise<void> {
  await page.getByRole('group', { name: 'Change jobs' }).getByText(text, { exact: true }).waitFor()
}
