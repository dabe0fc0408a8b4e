import {
  type AssignedJob,
  type Client,
  JobExceptionError,
  JobFailedError,
  JobFailure,
  type Worker,
} from '@geartrain/client'
import { signal } from './signal.ts'

/** One thing the demo shows. What comes back must be what is expected, or the demo has failed. */
export interface Act {
  readonly kind: string
  readonly sent: string
  readonly expected: string
  play(stage: Stage): Promise<string>
}

export interface Stage {
  readonly client: Client
  /** Has the functions that only some act needs, registered when they are on. */
  readonly extra: Worker
  /** Where the server is over HTTP. */
  readonly origin: string
}

/** A delayed job is at least so far ahead that it is seen to wait. */
const aheadMsMin = 300
/** The server counts in a clock that goes on evenly, which may differ from the wall's by a little. */
const clockToleranceMs = 50
const lines = 'one\ntwo\nthree\n'

export const acts: readonly Act[] = [
  {
    kind: 'foreground',
    sent: 'reverse "Hello World!"',
    expected: '!dlroW olleH',
    play: ({ client }) => client.submit('reverse', 'Hello World!').text(),
  },
  {
    kind: 'foreground',
    sent: 'wc, three lines',
    expected: '3',
    play: async ({ client }) => (await client.submit('wc', lines).text()).trim(),
  },
  {
    kind: 'over HTTP',
    sent: 'POST .../reverse/jobs?wait',
    expected: '!dlroW olleH',
    play: async ({ origin }) => {
      const init = { method: 'POST', body: 'Hello World!' }
      return (await fetch(`${origin}/api/functions/reverse/jobs?wait`, init)).text()
    },
  },
  {
    kind: 'many at once',
    sent: '1,000 x reverse, on one connection',
    expected: '1,000 right answers',
    play: async ({ client }) => {
      const texts = Array.from({ length: 1000 }, (_, i) => String(i))
      const answers = await Promise.all(texts.map((text) => client.submit('reverse', text).text()))
      const right = answers.filter((answer, i) => Array.from(answer).reverse().join('') === texts[i]).length
      return `${right.toLocaleString('en')} right answers`
    },
  },
  {
    kind: 'priorities',
    sent: 'low, normal, high, before a worker',
    expected: 'done: high, normal, low',
    play: async ({ client, extra }) => {
      const order: string[] = []
      const jobs = (['low', 'normal', 'high'] as const).map((priority) =>
        client.submit('in-order', priority, { priority }),
      )
      await Promise.all(jobs.map((job) => job.created()))
      extra.handle('in-order', (job) => void order.push(job.text()))
      await Promise.all(jobs.map((job) => job.result()))
      return `done: ${order.join(', ')}`
    },
  },
  {
    kind: 'background',
    sent: 'halfway, and its status meanwhile',
    expected: 'running, 1 of 2 done; then gone',
    play: async ({ client, extra }) => {
      const [reached, goOn] = [signal(), signal()]
      extra.handle('halfway', async (job) => {
        job.progress(1, 2)
        reached.give()
        await goOn.given
      })
      const handle = await client.submitBackground('halfway', '')
      await reached.given
      const meanwhile = await untilStatus(client, handle, ({ numerator }) => numerator > 0)
      goOn.give()
      await untilStatus(client, handle, ({ isKnown }) => !isKnown)
      return `${meanwhile.isRunning ? 'running' : 'waiting'}, ${meanwhile.numerator} of ${meanwhile.denominator} done; then gone`
    },
  },
  {
    kind: 'data, progress',
    sent: 'countdown 3',
    expected: '3 2 1 lift-off (33% 67% 100%)',
    play: async ({ client }) => {
      let text = ''
      const percents: string[] = []
      for await (const event of client.submit('countdown', '3')) {
        if (event.type === 'data' || event.type === 'complete') text += Buffer.from(event.data).toString()
        if (event.type === 'status') percents.push(`${Math.round((100 * event.numerator) / event.denominator)}%`)
      }
      return `${text} (${percents.join(' ')})`
    },
  },
  {
    kind: 'unique',
    sent: 'the same job three times',
    expected: 'one job, done once, three answers',
    play: async ({ client, extra }) => {
      let done = 0
      const jobs = [1, 2, 3].map(() => client.submit('only-once', '', { unique: 'report-7' }))
      const handles = new Set(await Promise.all(jobs.map((job) => job.created())))
      extra.handle('only-once', () => `done ${++done}`)
      const answers = await Promise.all(jobs.map((job) => job.text()))
      if (handles.size !== 1 || answers.some((answer) => answer !== 'done 1'))
        return `${handles.size} jobs: ${answers.join()}`
      return 'one job, done once, three answers'
    },
  },
  {
    kind: 'exception',
    sent: 'picky "windows"',
    expected: "I don't do windows",
    play: ({ client }) => failure(client, 'windows', JobExceptionError),
  },
  {
    kind: 'failure',
    sent: 'picky "quietly"',
    expected: 'JOB_FAILED',
    play: async ({ client }) => ((await failure(client, 'quietly', JobFailedError)) === '' ? 'no error' : 'JOB_FAILED'),
  },
  {
    kind: 'delayed',
    sent: 'a job for the next full second',
    expected: 'done, and not before',
    play: async ({ client, extra }) => {
      const ran = signal<number>()
      const runAt = new Date(Math.ceil((Date.now() + aheadMsMin) / 1000) * 1000)
      extra.handle('later', () => ran.give(Date.now()))
      await client.submitBackground('later', '', { runAt })
      const earlyMs = runAt.getTime() - (await ran.given)
      return earlyMs <= clockToleranceMs ? 'done, and not before' : `done ${earlyMs} ms before`
    },
  },
  {
    kind: 'echo',
    sent: '"are you there?"',
    expected: 'are you there?',
    play: async ({ client }) => Buffer.from(await client.echo('are you there?')).toString(),
  },
]

/** The handler of `countdown`. */
export async function countDown(job: AssignedJob): Promise<string> {
  const from = Number(job.text())
  for (let i = from; i > 0; i--) {
    await job.data(`${i} `)
    job.progress(from - i + 1, from)
  }
  return 'lift-off'
}

/** The handler of `picky`. */
export function refuse(job: AssignedJob): string {
  if (job.text() === 'quietly') throw new JobFailure()
  throw new Error(`I don't do ${job.text()}`)
}

/** The message with which a job of `picky` ended; empty if it ended otherwise. */
async function failure(client: Client, workload: string, expected: new (...args: never[]) => Error): Promise<string> {
  try {
    await client.submit('picky', workload).result()
    return ''
  } catch (error) {
    if (error instanceof expected) return error.message
    throw error
  }
}

type Status = Awaited<ReturnType<Client['status']>>

/** Asks until it is so: what a worker tells reaches the server after the handler has told it. */
async function untilStatus(client: Client, handle: string, isSo: (status: Status) => boolean): Promise<Status> {
  for (;;) {
    const status = await client.status(handle)
    if (isSo(status)) return status
  }
}
