import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import * as library from '@geartrain/client'
import { repositoryRoot } from '../support/peers.ts'
import { type Block, freeNames, isOurs } from './blocks.ts'
import * as cast from './cast.ts'

const run = promisify(execFile)
const endMs = 30_000
const playScript = fileURLToPath(new URL('./play.js', import.meta.url))

const castModule = '@geartrain/test/dist/documentation/cast.js'
const libraryModule = '@geartrain/client'

const configuration = {
  extends: join(repositoryRoot, 'tsconfig.base.json'),
  compilerOptions: {
    types: ['node'],
    allowJs: true,
    checkJs: true,
    rootDir: 'src',
    outDir: 'out',
    composite: false,
    declaration: false,
    noUnusedLocals: false,
    noUnusedParameters: false,
  },
  include: ['src'],
}

/** The blocks of some pages, each a module of its own, in a folder where they find the library as its users do. */
export class Book {
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  /**
   * All blocks are compiled at once; `addressOf` says which server stands in for 127.0.0.1:4730. Rejects with what the
   * compiler says, of the lines of the Markdown.
   */
  static async compile(blocks: readonly Block[], addressOf: (block: Block) => string): Promise<Book> {
    const folder = mkdtempSync(join(tmpdir(), 'geartrain-documentation-'))
    const book = new Book(folder)
    try {
      symlinkSync(join(repositoryRoot, 'node_modules'), join(folder, 'node_modules'))
      writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(configuration))
      for (const block of blocks) book.#write(block, addressOf(block))
      const tsc = join(repositoryRoot, 'node_modules/.bin/tsc')
      await run(tsc, ['-p', folder]).catch((error: { stdout: string }) => {
        throw new Error(`the examples don't compile; the lines are those of the pages:\n${error.stdout}`)
      })
      return book
    } catch (error) {
      book[Symbol.dispose]()
      throw error
    }
  }

  /** What it prints. Rejects with what it says on stderr if it ends badly. */
  async play(block: Block, address: string): Promise<string> {
    // A runner of tests would speak to this one in its own way.
    const { NODE_TEST_CONTEXT: _, ...environment } = process.env
    const options = {
      cwd: join(this.#folder, 'out', slug(block.page)),
      env: { ...environment, GEARMAN_SERVERS: address },
      timeout: endMs,
    }
    const [node = '', ...args] = this.command(block)
    return (await run(node, args, options)).stdout
  }

  /** What runs it: with the cast, or alone. PHP has no cast. */
  command(block: Block, ...mode: readonly 'alone'[]): string[] {
    const file = this.#file(block, 'out')
    if (block.language === 'php') return ['php', file]
    return [process.execPath, '--enable-source-maps', playScript, file, this.#file(block, 'src'), ...mode]
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #write(block: Block, address: string): void {
    if (!isOurs(block) && block.language !== 'php') return
    for (const part of ['src', 'out']) {
      const folder = join(this.#folder, part, slug(block.page))
      mkdirSync(folder, { recursive: true })
      for (const [name, text] of Object.entries(cast.props)) writeFileSync(join(folder, name), text)
    }
    // The line of the fence has what comes before the block, and so all lines are where they are on the page.
    const blankLines = '\n'.repeat(block.line - 1)
    const [host, port] = address.split(':')
    const source = block.source
      .replaceAll('127.0.0.1:4730', address)
      .replaceAll("'127.0.0.1', 4730", `'${host}', ${port}`)
    if (block.language === 'php') {
      writeFileSync(this.#file(block, 'out'), `<?php ${blankLines}\n${source}\n`)
      return
    }
    writeFileSync(this.#file(block, 'src'), `${blankLines}${preludeOf(source)}\n${source}\n`)
  }

  #file(block: Block, part: 'src' | 'out'): string {
    const name = block.name ?? `line-${block.line}.${block.language}`
    return join(this.#folder, part, slug(block.page), part === 'out' ? name.replace(/\.ts$/, '.js') : name)
  }
}

/** Imports of the free names, and an export of the worker that the block has or borrows. */
function preludeOf(source: string): string {
  const own = freeNames(source, Object.keys(cast))
  const ofLibrary = freeNames(
    source,
    Object.keys(library).filter((name) => !(name in cast)),
  )
  const exported = /(?<![.\w])worker\.handle\(/.test(source) && !/\busing worker\b/.test(source)
  return [
    own.length > 0 ? `import { ${own.join(', ')} } from '${castModule}'` : '',
    ofLibrary.length > 0 ? `import { ${ofLibrary.join(', ')} } from '${libraryModule}'` : '',
    exported ? 'export { worker as handlingWorker }' : '',
    'export {}',
  ].join(';')
}

function slug(page: string): string {
  return page.replaceAll(/\W+/g, '-')
}
