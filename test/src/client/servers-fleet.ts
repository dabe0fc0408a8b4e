import { after, before, describe, it, type TestContext } from 'node:test'
import { Client, type ClientOptions, type JobHandler, Worker } from '@geartrain/client'
import { missing, type Server, type ServerKind, startServer } from '../support/peers.ts'
import { Door } from './servers-door.ts'

const testTimeoutMs = 60_000
const size = 3

/** Several servers of a kind, each behind a door. What a test opens is closed when it ends, in the reverse order. */
class Fleet {
  readonly kind: ServerKind
  readonly doors: readonly Door[]
  readonly #opened: AsyncDisposable[]
  readonly #name: string
  #functions = 0

  private constructor(kind: ServerKind, doors: readonly Door[], name: string) {
    this.kind = kind
    this.doors = doors
    this.#opened = [...doors]
    this.#name = name
  }

  static async open(kind: ServerKind, servers: readonly Server[], name: string): Promise<Fleet> {
    return new Fleet(kind, await Promise.all(servers.map((server) => Door.to(server.port))), name)
  }

  get addresses(): readonly string[] {
    return this.doors.map((door) => door.address)
  }

  door(index: number): Door {
    const door = this.doors[index]
    if (door === undefined) throw new Error(`there is no door ${index}`)
    return door
  }

  functionName(): string {
    return `${this.#name}-${this.#functions++}`
  }

  /** It comes back quickly to a server that it has lost. */
  async client(options: ClientOptions = {}, servers: readonly string[] = this.addresses): Promise<Client> {
    return this.keep(await Client.connect(servers, { reconnect: { minMs: 1, maxMs: 5 }, ...options }))
  }

  /** A worker at each server. The handler is made with the number of the server. */
  async work(jobFunction: string, handlerAt: (index: number) => JobHandler): Promise<void> {
    for (const index of this.doors.keys()) await this.workAt(index, jobFunction, handlerAt(index))
  }

  async workAt(index: number, jobFunction: string, handler: JobHandler): Promise<Worker> {
    const reconnect = { minMs: 1, maxMs: 5 }
    const worker = this.keep(
      new Worker(this.door(index).address, { concurrency: 10, closeTimeoutMs: 100, waitForServer: true, reconnect }),
    )
    await worker.handle(jobFunction, handler).start()
    return worker
  }

  keep<T extends AsyncDisposable>(thing: T): T {
    this.#opened.push(thing)
    return thing
  }

  async closeAll(): Promise<void> {
    for (const thing of this.#opened.reverse()) await thing[Symbol.asyncDispose]()
  }
}

type FleetTest = (fleet: Fleet, t: TestContext) => Promise<void>

/** As `onServers`, on three of them. */
export function onFleet(subject: string, define: (test: (name: string, run: FleetTest) => void) => void): void {
  for (const kind of ['ours', 'gearmand'] as const) {
    describe(`${subject}, on several ${kind === 'ours' ? 'geartrain' : 'C gearmand'}`, () => {
      const skip = kind === 'gearmand' ? missing('gearmand') : undefined
      if (skip !== undefined) {
        it('all of it', (t) => t.skip(skip))
        return
      }
      const servers: Server[] = []
      before(async () => {
        servers.push(...(await Promise.all(Array.from({ length: size }, () => startServer(kind)))))
      })
      after(async () => {
        await Promise.all(servers.map((server) => server.stop()))
      })
      let number = 0
      define((name, run) => {
        const prefix = `f${number++}`
        it(name, { timeout: testTimeoutMs }, async (t) => {
          const fleet = await Fleet.open(kind, servers, prefix)
          try {
            await run(fleet, t)
          } finally {
            await fleet.closeAll()
          }
        })
      })
    })
  }
}
