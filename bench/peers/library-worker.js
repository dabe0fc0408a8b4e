// The worker's process of library.js.
import { once } from 'node:events'
import { parseParameters } from './parameters.js'

const [library, , ...words] = process.argv.slice(2)
const { port, workers } = parseParameters(words)
const { openWorker } = await import(`./libraries/${library}.js`)
process.once('SIGTERM', () => process.exit())

let done = 0
let wanted = Number.POSITIVE_INFINITY
let onWanted = () => {}
await openWorker(port, workers, () => {
  if (++done >= wanted) onWanted()
})
process.send('ready')

await once(process, 'message')
const before = done
const cpu = process.cpuUsage()
process.send('counting')

const [{ until }] = await once(process, 'message')
await new Promise((resolve) => {
  wanted = before + until
  onWanted = resolve
  if (done >= wanted) resolve()
})
const { user, system } = process.cpuUsage(cpu)
process.send({ cpuUs: user + system })
