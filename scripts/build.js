// Builds the projects named, or all that is published.
import { build } from './ensure-built.js'

build(...process.argv.slice(2))
