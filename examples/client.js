// Jobs for examples/worker.js, and their answers. GEARMAN_SERVERS says where the server is, if not on this machine.

import { Client, JobExceptionError } from '@geartrain/client'

const client = await Client.connect()

// The result alone.
console.log(await client.submit('reverse', 'Hello World!').text())

// Many at once, on the one connection.
const words = ['one', 'two', 'three']
const reversed = await Promise.all(words.map((word) => client.submit('reverse', word, { priority: 'high' }).text()))
console.log(reversed.join(' '))

// All that happens on the way.
for await (const event of client.submit('count-words', 'to be\nor not to be')) {
  if (event.type === 'status') console.log(`line ${event.numerator} of ${event.denominator}`)
  if (event.type === 'complete') console.log(`${Buffer.from(event.data).toString()} words`)
}

// Nobody waits for it; the server keeps it.
const handle = await client.submitBackground('reverse', 'later', { runAt: new Date(Date.now() + 1000) })
console.log((await client.status(handle)).isKnown ? 'it waits for its time' : 'it is gone')

// A job that nobody can do: it is given up after a while.
try {
  await client.submit('no-such-function', '', { timeoutMs: 100 }).result()
} catch (error) {
  console.log(error instanceof JobExceptionError ? 'the worker failed' : error.code)
}

await client.close()
