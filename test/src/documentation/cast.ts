import { createReadStream } from 'node:fs'
import { PassThrough } from 'node:stream'
import { Client, JobExceptionError, type JobHandler, Worker } from '@geartrain/client'

// What examples take for granted, by the names they have for it. Nothing here is connected before it is used.

export { createReadStream }

export const servers: string = process.env['GEARMAN_SERVERS'] ?? '127.0.0.1:4730'
export const client: Client = new Client()
export const worker: Worker = new Worker(servers, { concurrency: 10 })

export const image: Uint8Array = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0)
export const video: Uint8Array = Buffer.from('a long film')
export const mail = { to: 'joe@example.org', subject: 'Hello' }
/** A page of the web that needs no network. */
export const url = 'data:text/plain,hello'
export const request: Request = new Request('http://localhost/')
export const output: PassThrough = new PassThrough().resume()
export const log = { error: (_entry: object): void => {}, info: (_entry: object): void => {} }
/** Of a job that is gone. */
export const handle = 'H:queue:17'
export const isKnown = true
export const isPossible = true

export const resize: JobHandler = (job) => job.workload
export const thumbnail: JobHandler = (job) => job.workload
export const encode: JobHandler = (job) => job.workload
export async function send(_message: unknown): Promise<void> {}

/** Files that examples find where they run. */
export const props: Readonly<Record<string, string>> = {
  'ca.pem': '',
  'client.pem': '',
  'client.key': '',
  'convert.js': '// @ts-nocheck\nexport default (job) => job.workload\n',
  'images.js': '// @ts-nocheck\nexport const thumbnail = (job) => job.workload\n',
  'video.mp4': 'a long film',
  'access.log': '192.0.2.1 - - "GET / HTTP/1.1" 200 17\n'.repeat(3) + '192.0.2.2 - - "GET /prices HTTP/1.1" 200 5\n',
}

const hands: Readonly<Record<string, JobHandler>> = {
  resize: () => ({ width: 100, height: 50 }),
  encode: async (job) => {
    job.progress(1, 2)
    await job.warn('no sound')
    await job.data('half of it, ')
    return 'the rest'
  },
  reverse: (job) => Array.from(job.text()).reverse().join(''),
  report: (job) => `the report of ${job.text()}`,
  slow: () => '',
  'send-mail': () => {},
  upper: (job) => job.text().toUpperCase(),
}

/** Does the jobs of all functions that the example does not do itself. */
export async function staff(others: readonly string[]): Promise<void> {
  const helper = new Worker(servers, { concurrency: 10 })
  for (const [name, handler] of Object.entries(hands)) if (!others.includes(name)) helper.handle(name, handler)
  await helper.start()
}

/** What handlers are given to do, where 'hello' will not do. */
const workloads: Readonly<Record<string, string>> = {
  resize: JSON.stringify({ url, width: 100 }),
  web: url,
  'send-mail': JSON.stringify(mail),
}

/** Gives each function a job, which is to end well. */
export async function audience(functions: readonly string[]): Promise<void> {
  for (const name of functions) {
    await client
      .submit(name, workloads[name] ?? 'hello')
      .bytes()
      .catch((error: unknown) => {
        if (error instanceof JobExceptionError) error.message = `the handler of ${name} threw: ${error.message}`
        throw error
      })
  }
}
