// A working process of queue.js: tells every few milliseconds how many jobs it has done, and how long they had waited.
import { parseParameters } from './parameters.js'

const tellMs = 5

const [queue, ...words] = process.argv.slice(2)
const parameters = parseParameters(words)
const { openWorker } = await import(`./queues/${queue}.js`)

let waitsMs = []
let close = async () => {}
setInterval(() => {
  if (waitsMs.length === 0) return
  process.send({ count: waitsMs.length, waitsMs })
  waitsMs = []
}, tellMs)
process.on('message', (word) => {
  void (word === 'work' ? begin() : end())
})
process.send('ready')

async function begin() {
  close = await openWorker(parameters, parameters.workers, onJob)
}

async function end() {
  await close()
  process.exit()
}

function onJob(payload) {
  const sentAt = BigInt(payload.slice(0, payload.indexOf(' ')))
  waitsMs.push(Number(process.hrtime.bigint() - sentAt) / 1e6)
}
