// node scripts/check-tool.js NAME ARGS...: runs one of the tools in tools/package.json where the repository lies.
//
// They are not development dependencies of the root: their packages for other platforms are not in every registry, and
// npm refuses a lock file in which one is missing.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root, run } from './ensure-built.js'

const folder = join(root, 'tools')

export function runCheckTool(name, ...args) {
  ensureInstalled()
  const env = { ...process.env, OXLINT_TSGOLINT_PATH: join(folder, 'node_modules', '.bin', 'tsgolint') }
  run(join(folder, 'node_modules', '.bin', name), args, { env })
}

function ensureInstalled() {
  const wanted = readFileSync(join(folder, 'package.json'), 'utf8')
  const mark = join(folder, 'node_modules', '.installed')
  if (existsSync(mark) && readFileSync(mark, 'utf8') === wanted) return
  process.stderr.write('Installing the tools that check the code (npm install in tools) ...\n')
  run('npm', ['install', '--no-audit', '--no-fund'], { cwd: folder })
  writeFileSync(mark, wanted)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [name, ...args] = process.argv.slice(2)
  if (name === undefined) {
    process.stderr.write('Say which: node scripts/check-tool.js biome check .\n')
    process.exit(2)
  }
  runCheckTool(name, ...args)
}
