import { after, before, describe, it, type TestContext } from 'node:test'
import { Admin, Client, type ClientOptions, Worker, type WorkerOptions } from '@geartrain/client'
import { missing, type Server, type ServerKind, startServer } from '../support/peers.ts'

// The library is for any Gearman server, so its tests run on ours and on C gearmand.

const testTimeoutMs = 60_000

/** A server and what a test opens on it; all that is open is closed when the test ends, in the reverse order. */
export class Site {
  readonly kind: ServerKind
  readonly server: Server
  readonly address: string
  readonly #opened: AsyncDisposable[] = []
  readonly #name: string
  #functions = 0

  constructor(server: Server, name: string) {
    this.kind = server.kind
    this.server = server
    this.address = `127.0.0.1:${server.port}`
    this.#name = name
  }

  /** The name of a function that no other test has. */
  functionName(): string {
    return `${this.#name}-${this.#functions++}`
  }

  async client(options: ClientOptions = {}, address: string = this.address): Promise<Client> {
    return this.keep(await Client.connect(address, options))
  }

  /** Not started. At the end of a test its jobs are not waited for. */
  worker(options: WorkerOptions = {}, address: string = this.address): Worker {
    return this.keep(new Worker(address, { closeTimeoutMs: 100, ...options }))
  }

  async admin(): Promise<Admin> {
    return this.keep(await Admin.connect(this.address))
  }

  keep<T extends AsyncDisposable>(thing: T): T {
    this.#opened.push(thing)
    return thing
  }

  async closeAll(): Promise<void> {
    for (const thing of this.#opened.reverse()) await thing[Symbol.asyncDispose]()
  }
}

export type SiteTest = (site: Site, t: TestContext) => Promise<void>

/** `define` gets what to define tests with: each runs on both servers, skipping aloud where one is not installed. */
export function onServers(subject: string, define: (test: (name: string, run: SiteTest) => void) => void): void {
  for (const kind of ['ours', 'gearmand'] as const) {
    describe(`${subject}, on ${kind === 'ours' ? 'geartrain' : 'C gearmand'}`, () => {
      const skip = kind === 'gearmand' ? missing('gearmand') : undefined
      if (skip !== undefined) {
        it('all of it', (t) => t.skip(skip))
        return
      }
      let server: Server | undefined
      before(async () => {
        server = await startServer(kind)
      })
      after(async () => {
        await server?.stop()
      })
      let number = 0
      define((name, run) => {
        const prefix = `f${number++}`
        it(name, { timeout: testTimeoutMs }, async (t) => {
          if (server === undefined) throw new Error('the server was not started')
          await withSite(server, prefix, (site) => run(site, t))
        })
      })
    })
  }
}

/** For tests that do to a server what others could not stand: it is theirs alone. */
export async function onOwnServer(kind: ServerKind, t: TestContext, run: SiteTest, args: string[] = []): Promise<void> {
  const skip = kind === 'gearmand' ? missing('gearmand') : undefined
  if (skip !== undefined) {
    t.skip(skip)
    return
  }
  await using server = await startServer(kind, args)
  await withSite(server, 'f', (site) => run(site, t))
}

async function withSite(server: Server, prefix: string, run: (site: Site) => Promise<void>): Promise<void> {
  const site = new Site(server, prefix)
  try {
    await run(site)
  } finally {
    await site.closeAll()
  }
}

export function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString()
}
