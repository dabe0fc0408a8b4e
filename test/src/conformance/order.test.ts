import assert from 'node:assert/strict'
import { PACKET } from '../support/raw.ts'
import { conformance } from './suite.ts'

const submitOf = { H: PACKET.SUBMIT_JOB_HIGH_BG, N: PACKET.SUBMIT_JOB_BG, L: PACKET.SUBMIT_JOB_LOW_BG } as const

function priorityOf(job: string): keyof typeof submitOf {
  const letter = job[1]
  if (letter === 'H' || letter === 'N' || letter === 'L') return letter
  throw new Error(`no priority in ${job}`)
}

const serverWide = 'priority goes before function, and functions take turns, as in gearmand 2.0'

/** `aH1` is a job of function `fa`, high, called 1. Submitted as listed, then grabbed by one worker. */
const orders: readonly {
  readonly name: string
  readonly canDo: readonly string[]
  readonly jobs: string
  readonly order: string
  /** What gearmand 1.1 does, where that is something else. */
  readonly gearmand?: string
}[] = [
  { name: 'first in, first out', canDo: ['fa'], jobs: 'aN1 aN2 aN3 aN4', order: 'aN1 aN2 aN3 aN4' },
  {
    name: 'high before normal before low, first in first out in each',
    canDo: ['fa'],
    jobs: 'aL1 aN1 aH1 aL2 aN2 aH2',
    order: 'aH1 aH2 aN1 aN2 aL1 aL2',
  },
  {
    name: 'two functions: the newest ability first',
    canDo: ['fa', 'fb'],
    jobs: 'aN1 bN1',
    order: 'bN1 aN1',
  },
  {
    name: 'two functions, the other way round',
    canDo: ['fb', 'fa'],
    jobs: 'bN1 aN1',
    order: 'aN1 bN1',
  },
  {
    name: 'two functions take turns',
    canDo: ['fa', 'fb'],
    jobs: 'aN1 aN2 aN3 bN1 bN2 bN3',
    order: 'bN1 aN1 bN2 aN2 bN3 aN3',
    gearmand: 'bN1 bN2 bN3 aN1 aN2 aN3',
  },
  {
    name: 'three functions take turns, one runs dry',
    canDo: ['fa', 'fb', 'fc'],
    jobs: 'aN1 aN2 aN3 bN1 cN1 cN2',
    order: 'cN1 bN1 aN1 cN2 aN2 aN3',
    gearmand: 'cN1 cN2 bN1 aN1 aN2 aN3',
  },
  {
    name: 'a high one of an old ability goes before a normal one of a new',
    canDo: ['fa', 'fb'],
    jobs: 'bN1 bL1 aH1',
    order: 'aH1 bN1 bL1',
    gearmand: 'bN1 bL1 aH1',
  },
  {
    name: 'priority before function, turns within a priority',
    canDo: ['fa', 'fb'],
    jobs: 'aN1 aN2 aL1 aL2 bH1 bN1 bN2',
    order: 'bH1 aN1 bN1 aN2 bN2 aL1 aL2',
    gearmand: 'bH1 bN1 bN2 aN1 aN2 aL1 aL2',
  },
  {
    name: 'turns go on from one priority to the next',
    canDo: ['fa', 'fb'],
    jobs: 'aH1 aN1 bN1 bH1 aL1 bL1',
    order: 'bH1 aH1 bN1 aN1 bL1 aL1',
    gearmand: 'bH1 bN1 bL1 aH1 aN1 aL1',
  },
]

// In memory: a worker that has just come takes what is there, and what is on disk a moment later.
const inMemory = { ours: ['--store', 'memory'], gearmand: [] }

conformance(
  'order',
  ({ scenario, transcript }) => {
    for (const { name, canDo, jobs, order, gearmand } of orders) {
      scenario(`${name}: ${jobs} comes as ${order}`, async ({ connect, differs }) => {
        const client = await connect('client')
        for (const job of jobs.split(' ')) {
          client.send(submitOf[priorityOf(job)], `f${job[0]}`, '', job)
          await client.receive('JOB_CREATED')
        }
        const worker = await connect('worker')
        for (const name of canDo) worker.send(PACKET.CAN_DO, name)
        const got: string[] = []
        for (;;) {
          worker.send(PACKET.GRAB_JOB)
          const packet = await worker.receive('JOB_ASSIGN or NO_JOB')
          if (packet.type === PACKET.NO_JOB) break
          got.push(packet.data.toString())
          worker.send(PACKET.WORK_COMPLETE, packet.args[0] ?? '', '')
        }
        const expected = gearmand === undefined ? order : differs(serverWide, { ours: order, gearmand })
        assert.equal(got.join(' '), expected)
      })
    }

    transcript('foreground and background jobs stand in one queue')`
    client > SUBMIT_JOB_BG f|1|x
    client < JOB_CREATED $job1
    client > SUBMIT_JOB f|2|x
    client < JOB_CREATED $job2
    client > SUBMIT_JOB_BG f|3|x
    client < JOB_CREATED $job3
    client > SUBMIT_JOB_HIGH f|4|x
    client < JOB_CREATED $job4
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job4|f|x
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job1|f|x
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job2|f|x
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job3|f|x
  `

    transcript('a job that is queued again goes behind those that wait')`
    client > SUBMIT_JOB_BG f|1|x
    client < JOB_CREATED $job1
    client > SUBMIT_JOB_BG f|2|x
    client < JOB_CREATED $job2
    client > SUBMIT_JOB_LOW_BG f|3|x
    client < JOB_CREATED $job3
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job1|f|x
    worker leaves
    other > CAN_DO f
    other > GRAB_JOB
    other < JOB_ASSIGN $job2|f|x
    other > GRAB_JOB
    other < JOB_ASSIGN $job1|f|x
    other > GRAB_JOB
    other < JOB_ASSIGN $job3|f|x
  `
  },
  inMemory,
)
