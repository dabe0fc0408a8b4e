import type { JobOrder, PoolMessage } from './messages.ts'
import { RemoteJob } from './remote-job.ts'

// What a process of a pool runs.

let job: RemoteJob | undefined

process.on('message', (message: JobOrder | PoolMessage) => {
  if (message.kind === 'job') {
    job = new RemoteJob(message, (reply) => process.send?.(reply))
    void job.run()
  } else job?.receive(message)
})

// The pool has let it go, or is no more.
process.on('disconnect', () => process.exit())

// These come to all processes of a terminal or a service; when the jobs here end is the worker's to say.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {})
