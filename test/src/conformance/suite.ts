import { after, describe, it, type TestContext } from 'node:test'
import { gearmandVersion, missing, type Server, type ServerKind, startServer } from '../support/peers.ts'
import type { RawPeer } from '../support/raw.ts'
import { Stage } from './stage.ts'
import { parseTranscript } from './transcript.ts'

// Every conformance test runs on two servers: on ours, and on the C gearmand that it is to stand in for, which keeps
// the tests themselves honest. GEARTRAIN_TEST_SERVERS=ours|reference|both chooses.

/** The gearmand whose answers are written down; of another one nothing is claimed. */
const referenceVersion = /^1\.1\.2[0-9]/

type Scene = {
  readonly kind: ServerKind
  readonly server: Server
  readonly stage: Stage
  connect(name: string): Promise<RawPeer>
  /** Two expectations side by side; the one for this server comes back. */
  differs<T>(reason: string, expected: { readonly ours: T; readonly gearmand: T }): T
}

export type Suite = {
  /** A test in the language of `transcript.ts`. */
  transcript(name: string): (strings: TemplateStringsArray, ...values: readonly (string | number)[]) => void
  /** A test as a program, for what needs a loop or arithmetic. `oursOnly` says why gearmand must not run it. */
  scenario(name: string, test: (scene: Scene) => Promise<void>, options?: { readonly oursOnly?: string }): void
}

export type Flags = { readonly ours: readonly string[]; readonly gearmand: readonly string[] }

export function conformance(
  subject: string,
  define: (suite: Suite) => void,
  flags: Flags = { ours: [], gearmand: [] },
): void {
  for (const kind of chosenServers()) {
    describe(`${subject}, ${kind === 'ours' ? 'geartrain' : 'C gearmand'}`, () => {
      const skip = kind === 'gearmand' ? whyNotReference() : undefined
      if (skip === undefined)
        define(suiteOn(kind, kind === 'ours' ? flags.ours : [...referenceFlags, ...flags.gearmand]))
      else it('as C gearmand does it', (t) => t.skip(skip))
    })
  }
}

function chosenServers(): readonly ServerKind[] {
  const choice = process.env['GEARTRAIN_TEST_SERVERS'] ?? 'both'
  switch (choice) {
    case 'ours':
      return ['ours']
    case 'reference':
      return ['gearmand']
    case 'both':
      return ['ours', 'gearmand']
    default:
      throw new Error(`GEARTRAIN_TEST_SERVERS is ours, reference or both, not ${choice}`)
  }
}

/** Its threads hand work to each other: what is gone from one list may for a moment be there in another. One has no such moments. */
const referenceFlags = ['--threads=1']

function whyNotReference(): string | undefined {
  const version = gearmandVersion()
  if (version === undefined) return missing('gearmand')
  if (referenceVersion.test(version)) return undefined
  return `the answers of gearmand 1.1.20 are known here, ${version} is installed`
}

/** Tests on one server that is kept from test to test while it is as good as new, and replaced when it is not. */
function suiteOn(kind: ServerKind, flags: readonly string[]): Suite {
  let server: Server | undefined
  after(async () => {
    await server?.stop()
  })

  async function onStage(test: (stage: Stage) => Promise<void>): Promise<void> {
    server ??= await startServer(kind, flags)
    const used = server
    let isAsNew = false
    let stage: Stage | undefined
    try {
      stage = await Stage.open(used)
      await test(stage)
      isAsNew = await stage.clear()
      if (used.ended() !== undefined) throw new Error('the server is gone')
    } catch (error) {
      if (used.ended() === undefined) throw error
      throw new Error(`the server died (${used.ended()}); its log:\n${used.log()}`, { cause: error })
    } finally {
      stage?.close()
      if (!isAsNew) {
        server = undefined
        await used.stop()
      }
    }
  }

  return {
    transcript: (name) => {
      return (strings, ...values) => {
        const transcript = parseTranscript(String.raw({ raw: strings.raw }, ...values))
        it(name, async (t: TestContext) => {
          for (const reason of transcript.differences) t.diagnostic(`differs from gearmand: ${reason}`)
          if (kind === 'gearmand' && transcript.oursOnly !== undefined)
            t.skip(`not on gearmand: ${transcript.oursOnly}`)
          else await onStage((stage) => stage.run(transcript))
        })
      }
    },
    scenario: (name, test, options = {}) => {
      it(name, async (t: TestContext) => {
        if (kind === 'gearmand' && options.oursOnly !== undefined) {
          t.skip(`not on gearmand: ${options.oursOnly}`)
          return
        }
        await onStage((stage) =>
          test({
            kind,
            server: stage.server,
            stage,
            connect: (peerName) => stage.connect(peerName),
            differs: (reason, expected) => {
              t.diagnostic(`differs from gearmand: ${reason}`)
              return expected[kind]
            },
          }),
        )
      })
    },
  }
}
