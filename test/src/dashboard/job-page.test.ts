import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import type { AssignedJob } from '@geartrain/client'
import type { Page } from 'playwright-core'
import { rules, theirs, tokenOf } from '../access/parts.ts'
import { Stage, skip, violations } from './stage.ts'

const hostile = `<img src=x onerror="document.title='run'"> '; "\u202e 😀`

/** In the browser: the tests have no types of it. */
const box = "document.querySelector('[role=log]')"

/** What a test lets a worker do. */
class Gate {
  readonly #open: ((job: AssignedJob) => void)[] = []
  readonly #waiting: AssignedJob[] = []

  /** The next job of its function, as soon as a worker has it. */
  next(): Promise<AssignedJob> {
    const job = this.#waiting.shift()
    return job === undefined ? new Promise((resolve) => this.#open.push(resolve)) : Promise.resolve(job)
  }

  give(job: AssignedJob): void {
    const open = this.#open.shift()
    if (open === undefined) this.#waiting.push(job)
    else open(job)
  }
}

describe('the page of a job', { skip }, () => {
  let stage: Stage
  const gate = new Gate()
  const ends = new Map<string, (how: string) => void>()

  before(async () => {
    stage = await Stage.open({
      handlePrefix: 'H:jobs',
      functions: {
        'mail.*': { attempts: 2, 'backoff-first': '1ms', 'backoff-jitter': 0 },
        'kept.*': { 'keep-results': '1h' },
        'secret.*': { 'hide-payloads': true },
      },
    })
    const worker = stage.worker({ clientId: 'hands', concurrency: 20, onError() {} })
    // It ends as the test says: `throw` is an exception, all else a result.
    const perform = async (job: AssignedJob) => {
      gate.give(job)
      const how = await new Promise<string>((resolve) => ends.set(job.handle, resolve))
      if (how === 'throw') throw new Error(`it is broken\n    at work (/app/work.js:1:1)\n${hostile}`)
      return how
    }
    worker.handle('held', perform)
    worker.handle('kept.held', perform)
    worker.handle('mail.broken', () => {
      throw new Error(`SMTP 421 ${hostile}\n    at deliver (/app/mail.js:48:11)`)
    })
    worker.handle('kept.json', ({ workload }) => workload)
    await worker.start()
  })
  after(async () => {
    for (const end of ends.values()) end('')
    // Jobs that are gone are asked for, and a delay that is none is sent.
    stage.forgiveFaults(/404 \(Not Found\)|400 \(Bad Request\)/)
    await stage[Symbol.asyncDispose]()
  })

  function open(handle: string, look = {}, query = ''): Promise<Page> {
    return stage.page(`job?handle=${encodeURIComponent(handle)}${query}`, look)
  }
  async function submit(name: string, workload: string | Uint8Array, options = {}): Promise<string> {
    return stage.client.submitBackground(name, workload, options)
  }
  async function dead(workload: string | Uint8Array, options = {}): Promise<{ handle: string; page: Page }> {
    const handle = await submit('mail.broken', workload, options)
    const page = await open(handle)
    await page.getByText('dead: exception').waitFor()
    return { handle, page }
  }
  async function stateOf(handle: string): Promise<string> {
    const answer = await fetch(`${stage.origin}/api/jobs/${handle}`)
    return ((await answer.json()) as { state?: string }).state ?? String(answer.status)
  }
  const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })

  test('a dead job: time line, errors, payload, facts, commands', async () => {
    const { handle, page } = await dead(`{"to":"${'a'.repeat(20)}","n":12345678901234567890.10}`, { unique: hostile })
    await page.getByRole('heading', { level: 1, name: handle }).waitFor()
    await page.getByText('Dead: out of attempts after 2 attempts').waitFor()
    await page.getByRole('heading', { name: 'Errors of 2 attempts' }).waitFor()
    await page.getByText('at deliver (/app/mail.js:48:11)').first().waitFor()
    await page.getByText('12345678901234567890.10', { exact: true }).waitFor()
    await page.getByText('2 of 2').waitFor()
    assert.equal(await page.locator('dd code').first().innerText(), hostile)
    // Its unique turns the text of a terminal around.
    await page.getByText('Its names have characters that no terminal shows').waitFor()
    await page.locator('.command', { hasText: 'curl --data-raw' }).waitFor()
    assert.notEqual(await page.title(), 'run')
    assert.deepEqual(await violations(page), [])
    await page.context().close()
  })

  test('a payload: each view of it, the address says which, and all of its bytes to download', async () => {
    const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => index % 256)
    const handle = await submit('nobody', bytes)
    const page = await open(handle)
    const shown = page.getByRole('region', { name: 'Payload' })
    await shown.getByText('00000010  10 11 12 13 14 15 16 17  18 19 1a 1b').waitFor()
    assert.equal((await shown.innerText()).split('\n').length, 4096)
    await page.getByText('The first 64 KiB are shown.').waitFor()
    await button(page, 'Show all').click()
    await shown.getByText('00011160').waitFor()
    await button(page, 'Text').click()
    await page.waitForURL(/payload=text/)
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download' }).click(),
    ])
    assert.equal(download.suggestedFilename(), `${handle.replaceAll(':', '-')}.payload`)
    assert.deepEqual(readFileSync(await download.path()), Buffer.from(bytes))
    await page.getByText('download it first').waitFor()
    await page.context().close()

    const php = await submit('nobody', 'a:1:{s:2:"to";O:5:"Point":1:{s:4:"\0*\0x";i:7;}}')
    const other = await open(php, { theme: 'dark' })
    await other.getByText('(protected)').waitFor()
    assert.equal(await button(other, 'PHP').getAttribute('aria-pressed'), 'true')
    assert.deepEqual(await violations(other), [])
    await button(other, 'Copy the payload').click()
    await other.getByText('Copied.').waitFor()
    // A string, since the tests have no types of a browser.
    assert.equal(
      await other.evaluate('navigator.clipboard.readText()'),
      'a:1:{s:2:"to";O:5:"Point":1:{s:4:"\0*\0x";i:7;}}',
    )
    await other.context().close()
  })

  test('more than 1 MiB is not fetched', async () => {
    const page = await open(await submit('nobody', 'ab'.repeat(1024 * 1024)))
    await page.getByText('2 MiB').waitFor()
    await button(page, 'Show more').click()
    await page.getByText('The first 1 MiB are shown. Download it to see the rest.').waitFor()
    await page.context().close()
  })

  test('a job that runs: progress, data and warnings as they come, then its result; it stays', async () => {
    const handle = await submit('held', 'x')
    const job = await gate.next()
    const page = await open(handle)
    await page.getByText('Attempt 1 runs').waitFor()
    await page.getByText('hands 127.0.0.1').first().waitFor()
    job.progress(45, 100)
    await page.getByText('45 of 100 (45 %)').waitFor()
    await job.data(`first ${hostile}\n`)
    await job.warn('disk is nearly full')
    const log = page.getByRole('log')
    await log.getByText('disk is nearly full').waitFor()
    await log.getByText(hostile).waitFor()
    for (let index = 0; index < 250; index++) await job.data(`line ${index}`)
    await log.getByText('line 249').waitFor()
    await page.getByText('52 earlier pieces left out').waitFor()
    // It follows the end.
    assert.ok(await page.evaluate(`${box}.scrollHeight - ${box}.scrollTop - ${box}.clientHeight < 24`))
    assert.deepEqual(await violations(page), [])
    ends.get(handle)?.('{"done":true}')
    await page.locator('.moment', { hasText: 'Complete' }).waitFor()
    await page.getByRole('heading', { name: 'Result', level: 2 }).waitFor()
    await page.getByRole('region', { name: 'Result' }).getByText('done').waitFor()
    await page.getByText('The server knows this job no longer').waitFor()
    await page.getByText('took').first().waitFor()
    assert.equal(await button(page, 'Cancel').count(), 0)
    await button(page, 'Resubmit edited …').click()
    assert.equal(await page.getByRole('textbox', { name: 'Payload' }).inputValue(), 'x')
    await page.context().close()
  })

  test('it does not follow the end once somebody has scrolled away', async () => {
    const handle = await submit('held', 'x')
    const job = await gate.next()
    const page = await open(handle)
    await page.getByText('Attempt 1 runs').waitFor()
    for (let index = 0; index < 60; index++) await job.data(`line ${index}`)
    const log = page.getByRole('log')
    await log.getByText('line 59').waitFor()
    await page.evaluate(`new Promise((done) => { ${box}.onscrollend = () => done(); ${box}.scrollTop = 0 })`)
    await job.data('last')
    await log.getByText('last').waitFor()
    assert.equal(await page.evaluate(`${box}.scrollTop`), 0)
    ends.get(handle)?.('')
    await page.context().close()
  })

  test('an exception, and a result that is kept', async () => {
    const thrown = await submit('kept.held', 'x')
    await gate.next()
    const page = await open(thrown)
    await page.getByText('Attempt 1 runs').waitFor()
    ends.get(thrown)?.('throw')
    await page.getByRole('heading', { name: 'Exception', level: 2 }).waitFor()
    await page.getByText('at work (/app/work.js:1:1)').waitFor()
    await page.context().close()

    const kept = await submit('kept.json', '[1,{"a":"b"}]')
    const other = await open(kept)
    await other.getByText('Kept with its result until').waitFor()
    await other.reload()
    await other.getByText('It is not kept: the job has ended.').waitFor()
    const [download] = await Promise.all([
      other.waitForEvent('download'),
      other.getByRole('link', { name: 'Download' }).click(),
    ])
    assert.equal(readFileSync(await download.path(), 'utf8'), '[1,{"a":"b"}]')
    await button(other, 'Delete').click()
    await button(other, 'Delete the job').click()
    await other.getByText('It is deleted.').waitFor()
    assert.equal(await stateOf(kept), '404')
    await other.getByText('The server knows this job no longer').waitFor()
    await other.context().close()
  })

  test('a policy that hides payloads', async () => {
    const page = await open(await submit('secret.x', 'pssst'))
    await page.getByText('The policy of its function hides payloads and results').waitFor()
    assert.equal((await page.content()).includes('pssst'), false)
    await page.context().close()
  })

  test('a delayed job: another priority, now, cancelled', async () => {
    const handle = await submit('nobody', 'x', { runAt: new Date(Date.now() + 3_600_000) })
    const page = await open(handle)
    await page.getByText('Delayed: not begun before').waitFor()
    await button(page, 'Reprioritise …').click()
    await page.getByLabel('high').check()
    assert.deepEqual(await violations(page), [])
    await button(page, 'Reprioritise').click()
    await page.getByText('Its priority is high.').waitFor()
    await page.locator('dd').getByText('high').waitFor()
    await button(page, 'Run now').click()
    await page.getByText('Waits for a worker').waitFor()
    assert.equal(await stateOf(handle), 'ready')
    await button(page, 'Cancel').click()
    await button(page, 'Cancel the job').click()
    await page.getByText('Ended: it was cancelled').waitFor()
    assert.equal(await stateOf(handle), '404')
    await page.context().close()
  })

  test('a dead job once more: as it is, with another payload, and as a new one', async () => {
    const { handle, page } = await dead('old\r\nlines', { unique: 'u1' })
    await button(page, 'Resubmit edited …').click()
    const field = page.getByRole('textbox', { name: 'Payload' })
    assert.equal(await field.inputValue(), 'old\nlines')
    await field.fill('')
    await button(page, 'Retry with this payload').click()
    await page.getByText('With an empty payload a retry keeps').waitFor()
    assert.deepEqual(await violations(page), [])
    await page.getByLabel('a new job; this one stays dead').check()
    await field.fill('new\nlines')
    await page.getByLabel('Function').fill('nobody')
    await page.getByLabel('Unique').fill('u2')
    await page.getByLabel('Delay').fill('soon')
    await page.getByRole('combobox', { name: 'Priority' }).selectOption('low')
    await button(page, 'Submit a new job').click()
    await page.getByText(/delay must be/).waitFor()
    await page.getByLabel('Delay').fill('1h')
    await button(page, 'Submit a new job').click()
    await page.getByText('Delayed: not begun before').waitFor()
    const other = new URL(page.url()).searchParams.get('handle') ?? ''
    assert.notEqual(other, handle)
    const { workload, unique, priority } = (await (await fetch(`${stage.origin}/api/jobs/${other}`)).json()) as Record<
      string,
      unknown
    >
    assert.deepEqual([workload, unique, priority], [{ text: 'new\r\nlines' }, 'u2', 'low'])

    await page.goBack()
    await page.getByText('dead: exception').waitFor()
    await button(page, 'Retry').click()
    await page.getByText('It is in line again, with all of its attempts.').waitFor()
    await page.getByText('a server without a store has given it another handle').waitFor()
    await page.context().close()
  })

  test('its worker is disconnected', async () => {
    const worker = stage.worker({ clientId: 'stuck', onError() {} })
    worker.handle('stuck', ({ signal }) => new Promise<string>((_, fail) => signal.addEventListener('abort', fail)))
    await worker.start()
    const page = await open(await submit('stuck', ''))
    await page.getByText('Attempt 1 runs').waitFor()
    await page.getByText('It is empty.').waitFor()
    await button(page, 'Disconnect worker').click()
    await page.getByRole('dialog').getByText('stuck 127.0.0.1').waitFor()
    await button(page, 'Disconnect 1 worker').click()
    await page.getByText('Its worker is disconnected.').waitFor()
    await page
      .getByText(/Attempt 2|Waits for attempt 2/)
      .first()
      .waitFor()
    await worker.close()
    await page.context().close()
  })

  test('who may only look sees no buttons', async () => {
    await using guarded = await Stage.open({ access: rules })
    const submitted = await fetch(`${guarded.origin}/api/functions/${theirs}/jobs`, {
      method: 'POST',
      body: 'x',
      headers: { authorization: 'Bearer token-of-all' },
    })
    const { handle } = (await submitted.json()) as { handle: string }
    const path = `job?handle=${encodeURIComponent(handle)}`
    const viewer = await guarded.page(path, { token: tokenOf('view') })
    await viewer.getByText('Waits for a worker').waitFor()
    assert.equal(await viewer.locator('.page-actions button').count(), 0)
    await viewer.getByText('Bearer $GEARTRAIN_TOKEN').waitFor()
    const operator = await guarded.page(path, { token: tokenOf('operate') })
    await button(operator, 'Cancel').waitFor()
  })

  test('by keys alone, on a phone', async () => {
    const { handle, page } = await dead('{"a":1}')
    await page.context().close()
    const phone = await open(handle, { width: 400, height: 800, theme: 'dark' })
    await phone.getByText('dead: exception').waitFor()
    await button(phone, 'Hex').focus()
    await phone.keyboard.press('Enter')
    await phone.getByText('7b 22 61').waitFor()
    await button(phone, 'Delete').focus()
    await phone.keyboard.press('Enter')
    await phone.getByRole('dialog').waitFor()
    await phone.keyboard.press('Escape')
    await phone.getByRole('dialog').waitFor({ state: 'detached' })
    assert.equal(await stateOf(handle), 'dead')
    assert.equal(await phone.evaluate('document.documentElement.scrollWidth'), 400)
    assert.deepEqual(await violations(phone), [])
    await phone.context().close()
  })

  test('a job that is gone, and none at all', async () => {
    const page = await open(`H:jobs:${hostile}`)
    await page.getByText('This job is not known here').waitFor()
    await page.getByText('geartrain function set FUNCTION --keep-results 1h').waitFor()
    assert.deepEqual(await violations(page), [])
    await page.goto(`${stage.origin}/job`)
    await page.getByText('Which job?').waitFor()
    await page.context().close()
  })
})
