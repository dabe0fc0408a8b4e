// node scripts/run.js FILE ARGS...: builds what has changed, then runs the built file.
import { ensureBuilt, runNode } from './ensure-built.js'

ensureBuilt()
runNode(process.argv.slice(2))
