// The smoke set of tests on newer versions of Node than this one: node scripts/smoke.js 22 24 26
// The npm package `node` carries the program.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureBuilt, root, run } from './ensure-built.js'

const smokeSet = [
  'protocol',
  'engine',
  'server/bad-input',
  'server/payloads',
  'client/client',
  'client/worker',
  'cli/serve',
  'store/suite',
  'store/thread',
  'postgres/store',
]

ensureBuilt('test')
const folder = mkdtempSync(join(tmpdir(), 'geartrain-smoke-'))
const removed = [folder]
process.on('exit', () => {
  for (const path of removed) rmSync(path, { recursive: true, force: true })
})
lendDriver()
for (const version of process.argv.slice(2)) {
  const prefix = install(`node@${version}`)
  const node = join(prefix, 'node', 'bin', 'node')
  process.stdout.write(`\n== Node ${version}\n`)
  run(node, ['--version'])
  run(node, ['scripts/test.js', ...smokeSet])
}

/** Node 20 has another driver of SQLite than those, and npm does not install theirs there. */
function lendDriver() {
  const driver = join(root, 'node_modules', 'better-sqlite3')
  if (existsSync(driver)) return
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  const { version } = packages['node_modules/better-sqlite3']
  symlinkSync(join(install(`better-sqlite3@${version}`), 'better-sqlite3'), driver)
  removed.push(driver)
}

/** Where the package is then. */
function install(name) {
  const prefix = join(folder, name.replace('@', '-'))
  mkdirSync(prefix)
  run('npm', ['install', '--silent', '--no-save', '--prefix', prefix, name], { cwd: folder })
  return join(prefix, 'node_modules')
}
