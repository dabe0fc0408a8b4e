import type { MessagePort } from 'node:worker_threads'
import type { JobOrder, PoolMessage } from './messages.ts'
import { postMoved } from './port.ts'
import { RemoteJob } from './remote-job.ts'

// What a thread of a pool runs.

/** A job for the thread, and the way to talk about it with the pool, which closes it. */
export interface ThreadTask {
  readonly order: JobOrder
  readonly port: MessagePort
}

/** Resolves when the thread is free for the next one. */
export async function doTask({ order, port }: ThreadTask): Promise<void> {
  const job = new RemoteJob(order, (message) => postMoved(port, message))
  port.on('message', (message: PoolMessage) => job.receive(message))
  await job.run()
}
