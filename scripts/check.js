// Everything CI checks, in the order in which it is quickest to fail. --no-tests leaves the tests to the caller.
import { ensureBuilt, runNode, runTool } from './ensure-built.js'
import { packageFolders } from './workspaces.js'

/** @type {[string, () => void][]} */
const checks = [
  ['format', () => runTool('biome', ['check', '.'])],
  ['lint', () => runTool('oxlint', ['--type-aware', '--deny-warnings'])],
  ['unused files, exports and dependencies', () => runTool('knip', [])],
  [
    'packages as they would be published',
    () => {
      for (const folder of packageFolders()) runTool('publint', ['--strict', folder])
    },
  ],
  ['tests', () => runNode(['scripts/test.js'])],
]

ensureBuilt('.')
for (const [what, check] of checks) {
  if (what === 'tests' && process.argv.includes('--no-tests')) continue
  process.stdout.write(`\n== ${what}\n`)
  check()
}
