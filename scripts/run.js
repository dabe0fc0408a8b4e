// node scripts/run.js WORKSPACE/dist/FILE.js ARGS...: builds what has changed in the workspace, then runs the built file.
import { ensureBuilt, runNode } from './ensure-built.js'

const [file, ...args] = process.argv.slice(2)
ensureBuilt(file.split('/')[0])
runNode([file, ...args])
