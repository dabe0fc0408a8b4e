import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Client, Worker } from '@geartrain/client'
import { type Clock, createServer, type Server, type ServerOptions, silentLog } from '@geartrain/server'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

const paths = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const executablePath = process.env['GEARTRAIN_CHROMIUM'] ?? paths.find((path) => existsSync(path))

/** For the option `skip` of a test: false, or why the browser's tests can't run here. */
export const skip: false | string =
  executablePath === undefined &&
  'Chromium is not installed (Debian: chromium), or GEARTRAIN_CHROMIUM does not say where'

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

export interface Look {
  readonly theme?: 'light' | 'dark'
  readonly width?: number
  readonly height?: number
  /** What the page shows its server first, in the place of a form to sign in. */
  readonly token?: string
}

/** A browser on a server with an HTTP side of its own, with clients and workers. */
export class Stage implements AsyncDisposable {
  /** Where clients and workers reach it. */
  readonly address: string
  readonly origin: string
  readonly client: Client
  readonly #options: Partial<ServerOptions>
  readonly #clock: Clock | undefined
  #server: Server
  readonly #browser: Browser
  readonly #workers: Worker[] = []
  readonly #faults: string[] = []

  private constructor(
    server: Server,
    gearmanPort: number,
    options: Partial<ServerOptions>,
    clock: Clock | undefined,
    browser: Browser,
  ) {
    const { address, port } = server.httpAddress ?? assert.fail('the server has no HTTP side')
    this.#options = { ...options, port: gearmanPort, http: `${address}:${port}` }
    this.#clock = clock
    this.#server = server
    this.address = `127.0.0.1:${gearmanPort}`
    this.origin = `http://${address}:${port}`
    this.client = new Client(this.address)
    this.#browser = browser
  }

  static async open(options: Partial<ServerOptions> = {}, clock?: Clock): Promise<Stage> {
    const chosen = { port: 0, http: '127.0.0.1:0', log: silentLog, ...options }
    const server = createServer(chosen, clock)
    const [gearman] = await server.listen()
    return new Stage(server, gearman?.port ?? assert.fail('it does not listen'), chosen, clock, await launch())
  }

  get server(): Server {
    return this.#server
  }

  /** The server ends, and after `meanwhile` another one comes to its places. */
  async restart(meanwhile: () => Promise<void> = async () => {}): Promise<void> {
    await this.#server.close(0)
    await meanwhile()
    this.#server = createServer(this.#options, this.#clock)
    await this.#server.listen()
  }

  /** Another worker of the server, which is closed with the stage. */
  worker(options: ConstructorParameters<typeof Worker>[1] = {}): Worker {
    const worker = new Worker(this.address, { closeTimeoutMs: 0, ...options })
    this.#workers.push(worker)
    return worker
  }

  /** A page of the dashboard in a browser of its own: `functions?sort=name`. Its faults fail the stage when it is closed. */
  async page(path = '', look: Look = {}): Promise<Page> {
    const page = await newPage(this.#browser, this.origin, look)
    watchFaults(page, (fault) => this.#faults.push(fault))
    await page.goto(`${this.origin}/${path}`)
    return page
  }

  /** Errors in the browser's console that are known to belong to the test. */
  forgiveFaults(pattern: RegExp): void {
    const left = this.#faults.filter((fault) => !pattern.test(fault))
    this.#faults.splice(0, this.#faults.length, ...left)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close()
    await Promise.all(this.#workers.map((worker) => worker.close()))
    await this.client.close()
    await this.server.close(0)
    assert.deepEqual(this.#faults, [], 'the browser has told of faults')
  }
}

export function launch(): Promise<Browser> {
  return chromium.launch({ ...(executablePath === undefined ? {} : { executablePath }), args: ['--no-sandbox'] })
}

export async function newPage(browser: Browser, origin: string, look: Look): Promise<Page> {
  const { theme = 'light', width = 1280, height = 900, token } = look
  const options: BrowserContextOptions = {
    colorScheme: theme,
    viewport: { width, height },
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
    permissions: ['clipboard-read', 'clipboard-write'],
  }
  const context = await browser.newContext(options)
  if (token !== undefined) {
    const headers = { origin, 'sec-fetch-site': 'same-origin' }
    const answer = await context.request.post(`${origin}/api/session`, { data: { token }, headers })
    assert.equal(answer.status(), 200, await answer.text())
  }
  return context.newPage()
}

/** What axe finds against WCAG 2.2, A and AA: each in a line. */
export async function violations(page: Page): Promise<string[]> {
  // As an expression, which the page's own policy has no say in.
  await page.evaluate(axeSource)
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
  const found = (await page.evaluate(
    `axe.run(document, { runOnly: ${JSON.stringify(tags)} }).then(({ violations }) => violations)`,
  )) as { id: string; help: string; nodes: { html: string; failureSummary: string }[] }[]
  return found.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${help}: ${html.slice(0, 200)} ${failureSummary}`),
  )
}

/** Scripts that fail, and what the browser refuses by the page's policy. */
export function watchFaults(page: Page, tell: (fault: string) => void): void {
  page.on('pageerror', (error) => tell(`${error.name}: ${error.message}`))
  page.on('console', (message) => {
    if (message.type() === 'error') tell(message.text())
  })
}
