import { getEventListeners } from 'node:events'
import { Client, type GeartrainError } from '@geartrain/client'

// A program whose jobs lose their server, and which then writes what is still there. It is given an address behind which
// a server takes connections and jobs, and ends the connection when it is told to.

const [address = '', howItEnds = ''] = process.argv.slice(2)
const { signal } = new AbortController()

// More servers than Node lets listen to one event without a warning.
const nobody = Array.from({ length: 12 }, (_, i) => `127.0.0.1:${i + 1}`)
const client = await Client.connect([address, ...nobody], {
  resubmitTimeoutMs: howItEnds === 'given up' ? 50 : 600_000,
  reconnect: { minMs: 1, maxMs: 600_000 },
  ...(howItEnds === 'refused' ? { resubmissions: 0 } : {}),
})
const own = new AbortController()
const jobs = Array.from({ length: 20 }, () =>
  client.submit('f', '', { signal: howItEnds === 'aborted' ? own.signal : signal, timeoutMs: 600_000 }),
)
const codes = Promise.all(jobs.map((job) => job.result().then(String, (error: GeartrainError) => error.code)))
await Promise.all(jobs.map((job) => job.created()))
const lost = client.echo('drop').then(String, (error: GeartrainError) => error.code)
process.stdout.write(`${await lost}\n`)
if (howItEnds === 'aborted') own.abort()
if (howItEnds === 'closed') await client.close()
const ends = [...new Set(await codes)]
await client.close()

const resources = process.getActiveResourcesInfo().filter((name) => !/^(TTY|Pipe)Wrap$/.test(name))
process.stdout.write(JSON.stringify({ ends, resources, listeners: getEventListeners(signal, 'abort').length }))
