import { type GrabForm, type Priority, priorities, type QueueLimits, type Submission } from '@geartrain/engine'

/** What a session may say that is about one job. */
export type WorkWord = 'WORK_DATA' | 'WORK_WARNING' | 'WORK_STATUS' | 'WORK_COMPLETE' | 'WORK_FAIL' | 'WORK_EXCEPTION'

/**
 * The job rules as the tests speak to them: sessions by name, answers and events as lines of text. The engine answers
 * to it, and so does the naive model beside it.
 */
export interface Rules {
  readonly now: number
  advance(now: number): void
  settle(): void
  drain(): void

  /** Does nothing if the session is connected. */
  connect(session: string): void
  disconnect(session: string): void
  /** The same, as if it had not been given the jobs that it has. */
  withdraw(session: string): void
  settleGrab(session: string): void
  wantExceptions(session: string): void
  submit(session: string, submission: Submission): void
  canDo(session: string, name: string, timeoutMs: number): void
  cantDo(session: string, name: string): void
  resetAbilities(session: string): void
  grab(session: string, form: GrabForm): void
  preSleep(session: string): void
  work(session: string, word: WorkWord, number: number, texts: readonly string[]): void

  cancel(number: number): string
  /** A delayed job need not wait. */
  runNow(number: number): string
  createFunction(name: string): string
  dropFunction(name: string): string
  limitQueue(name: string, limits: QueueLimits): string

  /** A line for each live job, by number. */
  jobs(): string[]
  /** A line for each function, in the order they were first named. */
  functions(): string[]
  readonly nextDeadline: number
  /** The events since the last call. */
  takeEvents(): string[]
}

/** `ann < JOB_CREATED #1`. */
export function event(session: string, ...words: readonly string[]): string {
  return [session, '<', ...words.map((word) => (word === '' ? "''" : word))].join(' ')
}

/**
 * One command, as it stands in a scenario; the result is what it answers. `''` is an empty word, `#7` job 7. A session
 * is connected when it is first named.
 */
export function perform(line: string, rules: Rules): string[] {
  const [first = '', ...rest] = line.split(' ').map((word) => (word === "''" ? '' : word))
  const general = generalCommands.get(first)
  if (general !== undefined) return general(rules, rest)
  const [command = '', ...args] = rest
  const run = sessionCommands.get(command)
  if (run === undefined) throw new Error(`no command: ${line}`)
  rules.connect(first)
  if (command !== 'leaves' && command !== 'withdraws') rules.settleGrab(first)
  run(rules, first, args)
  return []
}

type Words = readonly string[]

const generalCommands = new Map<string, (rules: Rules, args: Words) => string[]>([
  ['at', silent((rules, [time]) => rules.advance(Number(time)))],
  ['settle', silent((rules) => rules.settle())],
  ['drain', silent((rules) => rules.drain())],
  ['cancel', (rules, [number]) => [rules.cancel(jobNumber(number))]],
  ['run', (rules, [number]) => [rules.runNow(jobNumber(number))]],
  ['create', (rules, [name = '']) => [rules.createFunction(name)]],
  ['drop', (rules, [name = '']) => [rules.dropFunction(name)]],
  [
    'maxqueue',
    (rules, [name = '', high, normal = high, low = high]) => [
      rules.limitQueue(name, { high: Number(high), normal: Number(normal), low: Number(low) }),
    ],
  ],
  ['jobs', (rules) => rules.jobs()],
  ['functions', (rules) => rules.functions()],
  ['next', (rules) => [`next ${rules.nextDeadline}`]],
])

const { high, normal, low } = priorities

const sessionCommands = new Map<string, (rules: Rules, session: string, args: Words) => void>([
  ['SUBMIT_JOB', submit(normal, false)],
  ['SUBMIT_JOB_HIGH', submit(high, false)],
  ['SUBMIT_JOB_LOW', submit(low, false)],
  ['SUBMIT_JOB_BG', submit(normal, true)],
  ['SUBMIT_JOB_HIGH_BG', submit(high, true)],
  ['SUBMIT_JOB_LOW_BG', submit(low, true)],
  [
    'SUBMIT_JOB_EPOCH',
    (rules, session, [name, unique, runAt, workload]) =>
      rules.submit(session, { ...submission(normal, true, name, unique, workload), runAt: Number(runAt) }),
  ],
  ['SUBMIT_REDUCE_JOB', submitReduce(false)],
  ['SUBMIT_REDUCE_JOB_BACKGROUND', submitReduce(true)],
  ['CAN_DO', (rules, session, [name = '']) => rules.canDo(session, name, 0)],
  ['CAN_DO_TIMEOUT', (rules, session, [name = '', timeoutMs]) => rules.canDo(session, name, Number(timeoutMs))],
  ['CANT_DO', (rules, session, [name = '']) => rules.cantDo(session, name)],
  ['RESET_ABILITIES', (rules, session) => rules.resetAbilities(session)],
  ['GRAB_JOB', (rules, session) => rules.grab(session, 'plain')],
  ['GRAB_JOB_UNIQ', (rules, session) => rules.grab(session, 'unique')],
  ['GRAB_JOB_ALL', (rules, session) => rules.grab(session, 'all')],
  ['PRE_SLEEP', (rules, session) => rules.preSleep(session)],
  ['WORK_DATA', work('WORK_DATA')],
  ['WORK_WARNING', work('WORK_WARNING')],
  ['WORK_STATUS', work('WORK_STATUS')],
  ['WORK_COMPLETE', work('WORK_COMPLETE')],
  ['WORK_FAIL', work('WORK_FAIL')],
  ['WORK_EXCEPTION', work('WORK_EXCEPTION')],
  ['exceptions', (rules, session) => rules.wantExceptions(session)],
  ['leaves', (rules, session) => rules.disconnect(session)],
  ['withdraws', (rules, session) => rules.withdraw(session)],
])

function silent(run: (rules: Rules, args: Words) => void): (rules: Rules, args: Words) => string[] {
  return (rules, args) => {
    run(rules, args)
    return []
  }
}

function submit(priority: Priority, background: boolean) {
  return (rules: Rules, session: string, [name, unique, workload]: Words): void =>
    rules.submit(session, submission(priority, background, name, unique, workload))
}

function submitReduce(background: boolean) {
  return (rules: Rules, session: string, [name, unique, reducer = '', workload]: Words): void =>
    rules.submit(session, { ...submission(normal, background, name, unique, workload), reducer })
}

function submission(priority: Priority, background: boolean, name = '', unique = '', workload = ''): Submission {
  return {
    function: name,
    unique,
    workload: Buffer.from(workload),
    priority,
    background,
    runAt: 0,
    reducer: '',
    then: '',
    options: '',
    trace: '',
  }
}

function work(word: WorkWord) {
  return (rules: Rules, session: string, [number, ...texts]: Words): void =>
    rules.work(session, word, jobNumber(number), texts)
}

function jobNumber(word = ''): number {
  if (!/^#\d+$/.test(word)) throw new Error(`no job number: ${word}`)
  return Number(word.slice(1))
}
