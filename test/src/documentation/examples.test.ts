import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Server, startServer } from '../support/peers.ts'
import { isOurs, promisedLines, readBlocks } from './blocks.ts'
import { Book } from './book.ts'

// The examples of the documents are compiled, all at once, and each is run on a real server.

/** Half of the time each. */
const shelves: readonly (readonly string[])[] = [
  ['packages/client/README.md'],
  ['README.md', 'docs/from-bullmq.md', 'docs/from-node-gearman.md', 'docs/from-php.md'],
]
const blocks = shelves.map((pages) => pages.flatMap(readBlocks))
const options = { timeout: 60_000 }

describe('documentation', { concurrency: shelves.length }, () => {
  let servers: readonly Server[] = []
  let book: Book | undefined

  before(async () => {
    servers = await Promise.all(shelves.map(() => startServer('ours')))
    book = await Book.compile(blocks.flat(), (block) =>
      addressOf(shelves.findIndex((pages) => pages.includes(block.page))),
    )
  }, options)
  after(async () => {
    book?.[Symbol.dispose]()
    for (const server of servers) await server.stop()
  })

  function addressOf(shelf: number): string {
    return `127.0.0.1:${servers[shelf]?.port}`
  }

  for (const [shelf, shelved] of blocks.entries()) {
    describe(shelves[shelf]?.join(', '), () => {
      for (const block of shelved.filter(isOurs)) {
        const skip = block.notRun === undefined ? false : `compiled, not run: ${block.notRun}`
        it(`${block.page}:${block.line}`, { ...options, skip }, async () => {
          assert.ok(book !== undefined)
          assertSaid(await book.play(block, addressOf(shelf)), promisedLines(block.source))
        })
      }
    })
  }
})

/** Those lines, in that order; there may be others in between. */
function assertSaid(printed: string, promised: readonly string[]): void {
  let at = 0
  for (const line of printed.split('\n')) if (line === promised[at]) at++
  assert.equal(promised[at], undefined, `it does not print this line; it prints:\n${printed}`)
}
