import { type EngineOptions, type Priority, priorities } from '@geartrain/engine'
import { DurableRules, performDurably } from './durable-rules.ts'
import type { StoredJob } from './naive-store.ts'

/** The first job of others has the number after it. */
const othersFrom = 1000

/** The engine with a store that other servers use as well. */
export class SharedRules extends DurableRules {
  #othersLast = othersFrom
  /** Others may have claimed what this server had. */
  isLeaseOver = false

  constructor(options: Partial<EngineOptions>) {
    super({ ...options, isShared: true })
    this.tally.isInexact = true
  }

  /** What is in the store and claimed by nobody. */
  recount(): void {
    const { jobs, nextDueAt } = this.store
    const free = jobs.filter((job) => !job.isClaimed)
    this.engine.durable?.recount(this.store.count(free), nextDueAt, this.store.nextExpiryAt())
  }

  /** Another server has got a background job. */
  othersAdd(name: string, unique: string, priority: Priority): void {
    if (unique !== '' && this.store.jobs.some((job) => job.function === name && job.unique === unique)) return
    this.store.jobs.push({
      function: name,
      unique,
      workload: Buffer.from('other'),
      priority,
      background: true,
      runAt: 0,
      reducer: '',
      then: '',
      options: '',
      trace: '',
      number: ++this.#othersLast,
      expireAt: 0,
      attempts: 0,
      failures: [],
      readyAt: this.now,
      isClaimed: false,
      isOthers: false,
    })
  }

  /** The first that can be had. What this server had goes first when its lease is over. */
  othersClaim(name: string): string[] {
    const isFree = (job: StoredJob): boolean => !job.isOthers && (!job.isClaimed || this.isLeaseOver)
    const job = this.store.jobs.find((stored) => stored.function === name && stored.runAt === 0 && isFree(stored))
    if (job === undefined) return ['others find nothing']
    job.isClaimed = true
    job.isOthers = true
    return [`others have #${job.number}`]
  }

  /** What others have is done. */
  othersFinish(): void {
    this.store.jobs = this.store.jobs.filter((job) => !job.isOthers)
  }

  /** Somebody cancels a job at another server. */
  othersCancel(number: number): void {
    const job = this.store.jobs.find((stored) => stored.number === number)
    this.store.jobs = this.store.jobs.filter((stored) => stored !== job)
    if (job?.isClaimed === true && !job.isOthers) this.engine.durable?.lost(number, 'cancelled')
  }

  endLease(): void {
    this.isLeaseOver = true
    this.engine.durable?.letGo()
  }

  reopen(): void {
    this.isLeaseOver = false
    this.journal.reopenShared()
  }
}

/**
 * The commands of a store, and what others do with it:
 *
 *   others add f u high       they have put a job there; nobody says so before `hear f high` or `recount`
 *   others claim f            they take the first job that can be had
 *   others finish             all they have is done
 *   others cancel #7
 *   recount                   this server learns what is there
 *   elsewhere f 2 1           they have so many workers of f, and so many of those are busy
 *   lease over                this server has not reached the store for so long that others may have what it has
 *   store dies told later     the store is gone; when it is opened anew, it says that nothing was kept
 *   store dies late told later  ... that all of it was
 *   held                      shows what the server says to have when it opens the store
 */
export function performShared(line: string, rules: SharedRules): string[] {
  const words = line.split(' ').map((word) => (word === "''" ? '' : word))
  const [first = '', second = '', third = '', fourth = '', fifth = ''] = words
  switch (`${first} ${second}`) {
    case 'others add':
      rules.othersAdd(third, fourth, priorities[isPriority(fifth) ? fifth : 'normal'])
      return []
    case 'others claim':
      return rules.othersClaim(third)
    case 'others finish':
      rules.othersFinish()
      return []
    case 'others cancel':
      rules.othersCancel(Number(third.slice(1)))
      return []
    case 'lease over':
      rules.endLease()
      return []
    case 'store dies':
      return third === 'told' || fourth === 'told' ? dieUntold(rules, third === 'late') : performDurably(line, rules)
  }
  switch (first) {
    case 'hear':
      rules.engine.durable?.readyElsewhere(second, priorities[isPriority(third) ? third : 'normal'])
      return []
    case 'recount':
      rules.recount()
      return []
    case 'elsewhere': {
      const [workers, running, claimed = 0] = [third, fourth, fifth].map(Number)
      const elsewhere = { workers: workers ?? 0, running: running ?? 0, waiting: 0, claimed: [0, claimed, 0] as const }
      rules.engine.durable?.setElsewhere(second, elsewhere)
      return []
    }
    case 'reopen':
      rules.reopen()
      return []
    case 'held':
      return [`held: ${rules.engine.durable?.heldNumbers().join(' ')}`]
    default:
      return performDurably(line, rules)
  }
}

function dieUntold(rules: SharedRules, isKept: boolean): string[] {
  return rules.journal.answer(isKept ? 'kept told later' : 'lost told later') ? [] : ['nothing is on its way']
}

function isPriority(word: string): word is keyof typeof priorities {
  return word in priorities
}
