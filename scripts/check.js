// Everything CI checks, in the order in which it is quickest to fail. --no-tests leaves the tests to the caller.
import { runCheckTool } from './check-tool.js'
import { ensureBuilt, runNode } from './ensure-built.js'
import { packageFolders } from './workspaces.js'

/** @type {[string, () => void][]} */
const checks = [
  ['format', () => runCheckTool('biome', 'check', '.')],
  ['lint', () => runCheckTool('oxlint', '--type-aware', '--deny-warnings')],
  ['unused files, exports and dependencies', () => runCheckTool('knip')],
  [
    'packages as they would be published',
    () => {
      for (const folder of packageFolders()) {
        runCheckTool('publint', '--strict', folder)
        // The command is there to be run, not to be imported.
        if (!folder.endsWith('cli')) runCheckTool('attw', '--profile', 'esm-only', '--quiet', '--pack', folder)
      }
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
