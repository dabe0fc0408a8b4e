import { build } from './ensure-built.js'

build()
