import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ControlOperations, JobDescription, JobsChanged } from '@geartrain/protocol'
import { createServer, type ServerOptions } from '@geartrain/server'
import { connect, PACKET, type RawPeer } from '../support/raw.ts'
import { Api, type ApiDocument, type ApiRequest } from './api.ts'

/** A server with its API, and a peer on its Gearman port that gives it something to administrate. */
export class Office implements AsyncDisposable {
  readonly api: Api
  readonly peer: RawPeer
  readonly #port: number

  private constructor(api: Api, peer: RawPeer, port: number) {
    this.api = api
    this.peer = peer
    this.#port = port
  }

  static async open(options: Partial<ServerOptions> = {}): Promise<Office> {
    const server = createServer({ port: 0, http: '127.0.0.1:0', ...options })
    const [address] = await server.listen()
    assert.ok(address !== undefined && server.httpAddress !== undefined)
    const origin = `http://127.0.0.1:${server.httpAddress.port}`
    const document = await (await fetch(`${origin}/api/openapi.json`)).json()
    const peer = await connect(address.port, 'client')
    // Whether the document is one is tested elsewhere.
    return new Office(new Api(server, origin, document as ApiDocument), peer, address.port)
  }

  /** What an operation answers, which is as described. */
  async ask(operationId: string, query: Readonly<Record<string, string>> = {}, params = {}): Promise<unknown> {
    return await this.api.json(operationId, { query, params })
  }

  /** `404 NOT_FOUND` of one that is refused; `204` of one that has nothing to say. */
  async status(operationId: string, request: ApiRequest = {}): Promise<string> {
    const answer = await this.api.call(operationId, request)
    if (answer.ok) return String(answer.status)
    const { code } = (await answer.json()) as { code: string }
    return `${answer.status} ${code}`
  }

  /** The handles of all pages, and how many pages there were. */
  async handles(query: Readonly<Record<string, string>>): Promise<string[]> {
    const handles: string[] = []
    for (let after: string | undefined = '', pages = 0; after !== undefined; pages++) {
      assert.ok(pages < 1000, 'the pages come to an end')
      const asked: Readonly<Record<string, string>> = after === '' ? query : { ...query, after }
      // As the description says, against which it was held.
      const page = (await this.ask('listJobs', asked)) as ControlOperations['jobs']['answer']
      handles.push(...page.jobs.map(({ handle }) => handle))
      after = page.next
    }
    return handles
  }

  async change(body: object): Promise<JobsChanged> {
    return (await this.api.json('changeJobs', { body })) as JobsChanged
  }

  async job(handle: string): Promise<JobDescription> {
    return (await this.ask('getJob', {}, { handle })) as JobDescription
  }

  async state(handle: string): Promise<string> {
    const answer = await this.api.call('getJob', { params: { handle } })
    return answer.ok ? ((await answer.json()) as JobDescription).state : 'gone'
  }

  /** A background job's handle. */
  async submit(name: string, workload = '', unique = '', type: number = PACKET.SUBMIT_JOB_BG): Promise<string> {
    this.peer.send(type, name, unique, workload)
    return (await this.peer.receive('JOB_CREATED')).body.toString('latin1')
  }

  async submitLater(name: string): Promise<string> {
    this.peer.send(PACKET.SUBMIT_JOB_EPOCH, name, '', String(Math.floor(Date.now() / 1000) + 1000), 'later')
    return (await this.peer.receive('JOB_CREATED')).body.toString('latin1')
  }

  /** A worker that has the function's next job. */
  async worker(name: string): Promise<{ readonly peer: RawPeer; readonly handle: string }> {
    const peer = await connect(this.#port, 'worker')
    peer.send(PACKET.SET_CLIENT_ID, 'joe')
    peer.send(PACKET.CAN_DO, name)
    peer.send(PACKET.GRAB_JOB)
    const packet = await peer.receive('JOB_ASSIGN')
    return { peer, handle: packet.args[0] ?? '' }
  }

  async set(name: string, values: object): Promise<void> {
    await this.api.json('changePolicy', { params: { name }, body: { values } })
  }

  /** A job that has failed for good. The function gives up after one attempt. */
  async bury(name: string, error: string): Promise<string> {
    const handle = await this.submit(name, 'w')
    const { peer } = await this.worker(name)
    peer.send(PACKET.WORK_EXCEPTION, handle, error)
    await peer.sync()
    await peer.close()
    return handle
  }

  /** A job whose result is kept. */
  async finish(name: string, result: string): Promise<string> {
    const handle = await this.submit(name, 'w')
    const { peer } = await this.worker(name)
    peer.send(PACKET.WORK_COMPLETE, handle, result)
    await peer.sync()
    await peer.close()
    return handle
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.peer.destroy()
    await this.api.server.close(0)
  }
}

/** The same on a server with a store on disk, and on one without. */
export function onStores(run: (office: Office, isDurable: boolean) => Promise<void>): () => Promise<void> {
  return async () => {
    const directory = mkdtempSync(join(tmpdir(), 'geartrain-office-'))
    try {
      for (const store of ['memory', `sqlite:${join(directory, 'jobs.db')}`]) {
        await using office = await Office.open({ store })
        await run(office, store !== 'memory')
      }
    } finally {
      rmSync(directory, { recursive: true })
    }
  }
}

/** A text as the Gearman port has names. */
export function wire(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}
