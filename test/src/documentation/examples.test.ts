import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Program } from '../interop/program.ts'
import { missing, type Server, startServer } from '../support/peers.ts'
import { type Block, isOurs, promisedLines, readBlocks } from './blocks.ts'
import { Book } from './book.ts'

// The examples of the documents are compiled, all at once, and each is run on a real server.

interface Meeting {
  readonly page: string
  readonly worker: string
  readonly clients: readonly string[]
}

const phpPage = 'docs/from-php.md'
const pages = [
  'packages/client/README.md',
  'README.md',
  'docs/from-bullmq.md',
  'docs/from-node-gearman.md',
  'docs/tracing.md',
  phpPage,
]
const blocks = pages.flatMap(readBlocks)
/** Two at a time, each on a server of its own, so that one does not do the jobs of the other. */
const laneCount = 2
/** Where one language does the jobs of the other: a worker, and clients that are run while it works. */
const meetings: readonly Meeting[] = [
  { page: 'README.md', worker: 'worker.php', clients: ['client.php'] },
  { page: phpPage, worker: 'worker.php', clients: ['client.ts', 'background.ts'] },
  {
    page: phpPage,
    worker: 'worker.ts',
    clients: ['client.php', 'background.php', 'tasks.php', 'tasks.ts', 'errors.php'],
  },
]
const options = { timeout: 60_000 }

describe('documentation', { concurrency: laneCount }, () => {
  let servers: readonly Server[] = []
  let book: Book | undefined

  before(async () => {
    servers = await Promise.all(Array.from({ length: laneCount }, () => startServer('ours')))
    book = await Book.compile(blocks, addressOf)
  }, options)
  after(async () => {
    book?.[Symbol.dispose]()
    for (const server of servers) await server.stop()
  })

  function addressOf(block: Block): string {
    return `127.0.0.1:${servers[laneOf(block)]?.port}`
  }

  for (let lane = 0; lane < laneCount; lane++) {
    describe(`examples, on server ${lane}`, { concurrency: 1 }, () => {
      for (const block of blocks) {
        if (laneOf(block) !== lane || !isOurs(block) || block.page === phpPage) continue
        const skip = block.notRun === undefined ? false : `compiled, not run: ${block.notRun}`
        it(`${block.page}:${block.line}`, { ...options, skip }, async () => {
          assert.ok(book !== undefined)
          assertSaid(await book.play(block, addressOf(block)), promisedLines(block.source))
        })
      }
      for (const { page, worker, clients } of meetings) {
        const [working, ...speaking] = [worker, ...clients].map((name) => find(page, name))
        if (working === undefined || laneOf(working) !== lane) continue
        const skip = missing('php') ?? false
        it(`${page}: ${worker} with ${clients.join(', ')}`, { ...options, skip }, async () => {
          assert.ok(book !== undefined)
          await meet(book, working, speaking, addressOf(working))
        })
      }
    })
  }

  it('each program in PHP, and each on the page about it, has its part', () => {
    const programs = blocks.filter((block) => block.language === 'php' || (isOurs(block) && block.page === phpPage))
    const played = meetings.flatMap(({ page, worker, clients }) => [worker, ...clients].map((name) => find(page, name)))
    assert.deepEqual(new Set(played), new Set(programs))
  })
})

function laneOf(block: Block): number {
  // Programs that meet do so on one server.
  return block.page === phpPage || block.language === 'php' ? 0 : blocks.indexOf(block) % laneCount
}

/** Runs each client while the worker works. */
async function meet(book: Book, worker: Block, clients: readonly Block[], address: string): Promise<void> {
  // libgearman would add those of GEARMAN_SERVERS to those of the program, and have each twice.
  const environmentOf = ({ language }: Block) => ({
    env: { [language === 'php' ? 'JOB_SERVERS' : 'GEARMAN_SERVERS']: address },
  })
  const working = new Program(book.command(worker, 'alone'), environmentOf(worker))
  try {
    for (const client of clients) {
      const { code, stdout, stderr } = await new Program(book.command(client, 'alone'), environmentOf(client)).ended()
      assert.equal(code, 0, stderr)
      assertSaid(Buffer.from(stdout, 'latin1').toString(), promisedLines(client.source))
    }
  } catch (error) {
    throw new Error(`the worker, ${worker.name}, has said "${working.stdout}" and "${working.stderr}"`, {
      cause: error,
    })
  } finally {
    await working.kill()
  }
}

function find(page: string, name: string): Block {
  const block = blocks.find((candidate) => candidate.page === page && candidate.name === name)
  if (block === undefined) throw new Error(`${page} has no ${name}`)
  return block
}

/** Those lines, in that order; there may be others in between. */
function assertSaid(printed: string, promised: readonly string[]): void {
  let at = 0
  for (const line of printed.split('\n')) if (line === promised[at]) at++
  assert.equal(promised[at], undefined, `it does not print this line; it prints:\n${printed}`)
}
