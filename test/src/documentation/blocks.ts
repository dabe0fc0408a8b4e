import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { repositoryRoot } from '../support/peers.ts'

/** A fenced block of code in a Markdown page. */
export interface Block {
  readonly page: string
  /** Of the opening fence, the first line being 1. */
  readonly line: number
  readonly language: string
  /** The file that it is, if its first line is a comment with nothing but a name: other blocks of the page import it. */
  readonly name: string | undefined
  readonly source: string
  /** Why it is only compiled, from the comment `<!-- compiled, not run: ... -->` above it. */
  readonly notRun: string | undefined
}

export function readBlocks(page: string): Block[] {
  const lines = readFileSync(join(repositoryRoot, page), 'utf8').split('\n')
  const blocks: Block[] = []
  let notRun: string | undefined
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? ''
    const language = /^```(\w+)$/.exec(line)?.[1]
    if (language === undefined) {
      if (line !== '') notRun = /^<!-- compiled, not run: (.+) -->$/.exec(line)?.[1]
      continue
    }
    const end = lines.indexOf('```', at)
    if (end < 0) throw new Error(`${page}:${at + 1}: the block has no end`)
    const code = lines.slice(at + 1, end)
    const name = /^\/\/ ([\w-]+\.\w+)$/.exec(code[0] ?? '')?.[1]
    blocks.push({ page, line: at + 1, language, name, source: code.join('\n'), notRun })
    notRun = undefined
    at = end
  }
  return blocks
}

/** TypeScript, and JavaScript that has a name: what has none is other people's, to compare with. */
export function isOurs({ language, name }: Block): boolean {
  return language === 'ts' || (language === 'js' && name !== undefined)
}

/** The functions that a block has handlers for. */
export function handledFunctions(source: string): string[] {
  return [...source.matchAll(/\.handle\(\s*'([^']+)'/g)].map(([, name = '']) => name)
}

/** What it says that it prints: `console.log(...) // so`, or in PHP `echo ...; // so`. */
export function promisedLines(source: string): string[] {
  return [...source.matchAll(/\b(?:console\.log\(.*\)|echo .*;.*) \/\/ (.+)$/gm)].map(([, line = '']) => line)
}

/** Those of the names that the block uses and does not declare. Too many do no harm. */
export function freeNames(source: string, names: readonly string[]): string[] {
  const code = source.replaceAll(/ \/\/ .*$/gm, '')
  return names.filter((name) => {
    const isUsed = new RegExp(`(?<![\\w.'])${name}\\b`).test(code)
    const binding = `(?:${name}\\b|[[{][^=]*\\b${name}\\b[^=]*[\\]}] =)`
    const isDeclared = new RegExp(
      `^(?:export )?(?:await )?(?:const|let|using|class|(?:async )?function\\*?) ${binding}|^import [^']*\\b${name}\\b[^']*'`,
      'm',
    ).test(code)
    return isUsed && !isDeclared
  })
}
