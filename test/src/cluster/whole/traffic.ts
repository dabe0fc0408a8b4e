import { Client, ServerError } from '@geartrain/client'
import { eventually } from '../../support/postgres/eventually.ts'
import type { Member } from './fleet.ts'

/** Clients that submit without end, each workload once, until they are told to stop; and what they were told. */
export class Traffic implements AsyncDisposable {
  readonly acknowledged = new Set<string>()
  readonly refusals: string[] = []
  readonly #clients: Promise<void>[]
  #isOver = false
  #fault: unknown

  constructor(members: readonly Member[], name: string) {
    this.#clients = members.map((member) =>
      this.#submit(member, name).catch((error: unknown) => {
        this.#fault = error
      }),
    )
  }

  /** Resolves when none submits any more. Rejects if one had to give up. */
  async stop(): Promise<void> {
    await this[Symbol.asyncDispose]()
    if (this.#fault !== undefined) throw this.#fault
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#clients)
  }

  async #submit(member: Member, name: string): Promise<void> {
    await using client = await Client.connect(member.address)
    for (let index = 0; !this.#isOver; index++) {
      const workload = `${member.name} ${index}`
      try {
        await client.submitBackground(name, workload, { timeoutMs: 60_000 })
        this.acknowledged.add(workload)
      } catch (error) {
        if (!(error instanceof ServerError)) throw error
        this.refusals.push(error.serverCode)
        // Refusals come at once: room for others.
        await client.echo('')
      }
    }
  }
}

/** Gives what it says then. */
export async function untilReadyz(member: Member, status: number): Promise<string> {
  return eventually(`/readyz of ${member.name} is ${status}`, async () => {
    const answer = await member.http('/readyz')
    return answer.status === status ? answer.text : undefined
  })
}
