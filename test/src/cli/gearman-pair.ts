import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Theatre } from '../interop/program.ts'
import { missing, repositoryRoot, type Server, type ServerKind, startServer } from '../support/peers.ts'

// A C tool and the command in its place, run side by side.

const testTimeoutMs = 60_000
const script = join(repositoryRoot, 'packages/cli/bin/geartrain.js')

export type ToolName = 'gearman' | 'gearadmin'

export type Outcome = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

export type RunOptions = { readonly input?: string; readonly env?: Readonly<Record<string, string>> }

/** One server with programs on it. */
export class Pair {
  readonly kind: ServerKind
  readonly server: Server
  readonly theatre: Theatre
  readonly #tool: ToolName

  constructor(tool: ToolName, kind: ServerKind, server: Server) {
    this.#tool = tool
    this.kind = kind
    this.server = server
    this.theatre = new Theatre(server)
  }

  /** How to start the C tool, or ours. `PORT` in an argument is the server's. */
  argv(which: 'c' | 'ours', args: readonly string[]): string[] {
    const program = which === 'c' ? [this.#tool] : [process.execPath, script, this.#tool]
    return [...program, ...args].map((word) => word.replaceAll('PORT', String(this.server.port)))
  }

  async run(which: 'c' | 'ours', args: readonly string[], { input = '', env = {} }: RunOptions = {}): Promise<Outcome> {
    const filled = Object.entries(env).map(([name, value]) => [
      name,
      value.replaceAll('PORT', String(this.server.port)),
    ])
    const outcome = await this.theatre.run(this.argv(which, args), input, { env: Object.fromEntries(filled) })
    return { code: outcome.code, stdout: normalised(outcome.stdout), stderr: outcome.stderr }
  }
}

/** What is another one each time: handles, descriptors, uniques that were made up. */
function normalised(text: string): string {
  return text
    .replace(/H:[\w.-]+:\d+/g, 'HANDLE')
    .replace(/^\d+ (?=\S+ \S+ :)/gm, 'FD ')
    .replace(/[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/g, 'UUID')
}

/** Defines tests for both servers. Skips aloud without C gearmand; `skipC` says why the C tool can't be asked. */
export function withPair(
  tool: ToolName,
  define: (test: (name: string, run: (pair: Pair) => Promise<void>) => void, skipC: string | undefined) => void,
  prepare: (pair: Pair) => Promise<AsyncDisposable>,
  /** Tests at once: more than one where none sees what another does. */
  concurrency: number,
): void {
  const skipC = missing(tool)
  it(`the C tool ${tool} is asked as well`, (t) => {
    if (skipC !== undefined) t.skip(skipC)
  })
  for (const kind of ['ours', 'gearmand'] as const) {
    describe(`${tool} on ${kind === 'ours' ? 'geartrain' : 'C gearmand'}`, { concurrency }, () => {
      const skip = kind === 'gearmand' ? missing('gearmand') : undefined
      if (skip !== undefined) {
        it('all of it', (t) => t.skip(skip))
        return
      }
      let pair: Pair | undefined
      let prepared: AsyncDisposable | undefined
      before(async () => {
        pair = new Pair(tool, kind, await startServer(kind))
        prepared = await prepare(pair)
      })
      after(async () => {
        await pair?.theatre[Symbol.asyncDispose]()
        await prepared?.[Symbol.asyncDispose]()
        await pair?.server.stop()
      })
      define((name, run) => {
        it(name, { timeout: testTimeoutMs }, async () => {
          assert.ok(pair !== undefined)
          await run(pair)
        })
      }, skipC)
    })
  }
}
