import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { repositoryRoot } from './peers.ts'

/**
 * What a page says between `<!-- NAME: ... -->` and `<!-- /NAME -->` is what the code says. UPDATE_DOCS=1 writes it.
 */
export function checkPart(page: string, name: string, lines: readonly string[]): void {
  const file = join(repositoryRoot, page)
  const text = readFileSync(file, 'utf8')
  const [, before, written, after] =
    new RegExp(`^([^]*<!-- ${name}: [^\\n]*-->\\n)([^]*)(<!-- /${name} -->[^]*)$`).exec(text) ?? []
  assert.ok(before !== undefined && written !== undefined && after !== undefined, `${name} has its place in ${page}`)
  const wanted = `\n${lines.join('\n')}\n\n`
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(file, `${before}${wanted}${after}`)
  else assert.equal(written, wanted)
}
