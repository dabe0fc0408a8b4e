// The smoke set of tests on newer versions of Node than this one: node scripts/smoke.js 22 24 26
// The npm package `node` carries the program.
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { ensureBuilt, run } from './ensure-built.js'

const smokeSet = [
  'protocol',
  'engine',
  'server/bad-input',
  'server/payloads',
  'client/client',
  'client/worker',
  'cli/serve',
  'store/suite',
]
/** The one native part: each version of Node needs its own build of it. */
const native = 'node_modules/better-sqlite3/build'

ensureBuilt('test')
const folder = mkdtempSync(join(tmpdir(), 'geartrain-smoke-'))
const ownBuild = join(folder, 'build')
cpSync(native, ownBuild, { recursive: true })
process.on('exit', () => {
  rmSync(native, { recursive: true, force: true })
  cpSync(ownBuild, native, { recursive: true })
  rmSync(folder, { recursive: true, force: true })
})
for (const version of process.argv.slice(2)) {
  const prefix = join(folder, version)
  run('npm', ['install', '--silent', '--no-save', '--prefix', prefix, `node@${version}`], { cwd: folder })
  const node = join(prefix, 'node_modules', 'node', 'bin', 'node')
  process.stdout.write(`\n== Node ${version}\n`)
  run(node, ['--version'])
  buildNative(node)
  run(node, ['scripts/test.js', ...smokeSet])
}

/** The package brings the headers that a build needs. */
function buildNative(node) {
  const headers = join(dirname(node), '..', 'node_modules', `node-${process.platform}-${process.arch}`)
  const PATH = dirname(node) + delimiter + process.env.PATH
  run('npm', ['rebuild', '--silent', 'better-sqlite3'], { env: { ...process.env, PATH, npm_config_nodedir: headers } })
}
