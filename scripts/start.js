import { ensureBuilt, runNode } from './ensure-built.js'

ensureBuilt()
runNode(['packages/cli/bin/geartrain.js', 'demo', ...process.argv.slice(2)])
