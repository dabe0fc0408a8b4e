import { type EngineOptions, type Priority, priorities } from '@geartrain/engine'
import { EngineRules } from './engine-rules.ts'
import { NaiveJournal, type Outcome } from './naive-journal.ts'
import type { NaiveStore, StoredJob } from './naive-store.ts'
import { performWithPolicies } from './policy-rules.ts'
import { Replies } from './replies.ts'

/** The engine with a store. */
export class DurableRules extends EngineRules {
  readonly journal: NaiveJournal

  constructor(options: Partial<EngineOptions>) {
    const replies = new Replies()
    const journal = new NaiveJournal(replies)
    super(options, replies, journal)
    this.journal = journal
    journal.serve(this.engine)
    journal.onRevived = (number, name) => this.tally.revived(number, name)
  }

  get store(): NaiveStore {
    return this.journal.store
  }

  /** The end of a turn: what it wants to be remembered is on its way, unless something else is. */
  override settle(): void {
    super.settle()
    this.journal.handOver()
  }

  /** What the engine does not know is looked for in the store. */
  override cancel(number: number): string {
    if (this.engine.cancel(number)) return 'cancelled'
    this.journal.cancel(number)
    return 'asked of the store'
  }

  override prioritize(number: number, priority: Priority): string {
    if (this.journal.isChanging(number)) return 'has to wait'
    const isHere = this.engine.prioritize(number, priority)
    if (this.engine.findJob(number)?.isStored !== false) this.journal.change({ kind: 'prioritize', number, priority })
    return isHere ? 'moved' : 'asked of the store'
  }

  override runNow(number: number): string {
    if (this.journal.isChanging(number)) return 'has to wait'
    if (this.engine.runNow(number)) return 'ready'
    this.journal.change({ kind: 'hasten', number })
    return 'asked of the store'
  }

  override functions(): string[] {
    const lines = super.functions()
    return Array.from(this.engine.functions(), ({ pendingCount, backlog }, index) => {
      const [high, normal, low] = backlog.ready
      return `${lines[index]}, ${pendingCount} pending, on disk ${high} ${normal} ${low} and ${backlog.delayed} delayed`
    })
  }

  crash(isKept: boolean): void {
    this.restart()
    this.journal.restart(this.engine, isKept)
    this.tally.restart(this.store.jobs)
  }

  /** A line for each job in the store. */
  stored(): string[] {
    const { jobs, dead, kept } = this.store
    const ended = (line: string, { number, function: name, attempts, failures }: StoredJob): string =>
      [`#${number} ${name} ${line}`, `attempts ${attempts}`, ...failures].join(', ')
    return [
      ...jobs.map(describe),
      ...dead.map((job) => ended(`dead ${job.reason}`, job)),
      ...kept.map((job) => ended(`kept ${job.outcome}`, job)),
    ]
  }
}

function describe(job: StoredJob): string {
  const { number, function: name, unique, priority, runAt, isClaimed, expireAt, attempts, failures } = job
  const place = runAt > 0 ? `due ${runAt}` : isClaimed ? 'claimed' : 'ready'
  const names = Object.keys(priorities)
  const line = [`#${number}`, name, unique || "''", names[priority], place].join(' ')
  const expiry = expireAt > 0 ? [`dead at ${expireAt}`] : []
  return [line, ...expiry, ...(attempts > 0 ? [`attempts ${attempts}`, ...failures] : [])].join(', ')
}

/** The commands of the rules, and those that say what becomes of the batch that is on its way. */
export function performDurably(line: string, rules: DurableRules): string[] {
  const run = commands.get(line)
  if (run !== undefined) return run(rules)
  const revived = /^revive #(\d+)$/.exec(line)?.[1]
  if (revived === undefined) return performWithPolicies(line, rules)
  rules.journal.change({ kind: 'revive', number: Number(revived) })
  return []
}

const commands = new Map<string, (rules: DurableRules) => string[]>([
  ['commit', answer('kept')],
  ['commit fails', answer('not written')],
  ['commit is not read', answer('not read')],
  ['store dies', answer('lost')],
  ['store dies late', answer('kept unheard')],
  [
    'reopen',
    (rules) => {
      rules.journal.reopen()
      return []
    },
  ],
  ['crash', crash(false)],
  ['crash late', crash(true)],
  ['store', (rules) => rules.stored()],
])

function answer(outcome: Outcome) {
  return (rules: DurableRules): string[] => {
    if (outcome === 'kept unheard') rules.tally.isInexact = true
    return rules.journal.answer(outcome) ? [] : ['nothing is on its way']
  }
}

function crash(isKept: boolean) {
  return (rules: DurableRules): string[] => {
    rules.crash(isKept)
    return []
  }
}
