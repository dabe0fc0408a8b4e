// The smoke set of tests on newer versions of Node than this one: node scripts/smoke.js 22 24 26
// The npm package `node` carries the program.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureBuilt, run } from './ensure-built.js'

const smokeSet = [
  'protocol',
  'engine',
  'server/bad-input',
  'server/payloads',
  'client/client',
  'client/worker',
  'cli/serve',
]

ensureBuilt('test')
const folder = mkdtempSync(join(tmpdir(), 'geartrain-smoke-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
for (const version of process.argv.slice(2)) {
  const prefix = join(folder, version)
  run('npm', ['install', '--silent', '--no-save', '--prefix', prefix, `node@${version}`], { cwd: folder })
  const node = join(prefix, 'node_modules', 'node', 'bin', 'node')
  process.stdout.write(`\n== Node ${version}\n`)
  run(node, ['--version'])
  run(node, ['scripts/test.js', ...smokeSet])
}
