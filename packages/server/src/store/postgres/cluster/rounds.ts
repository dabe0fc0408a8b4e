import type { Clock } from '../../../clock.ts'
import type { Log } from '../../../log.ts'
import type { ClusterListener, LimitDemand, ServerReport } from '../../cluster.ts'
import type { StoredDocument } from '../../store.ts'
import type { Connection } from '../connection.ts'
import { DatabaseError } from '../link.ts'
import { Cancels } from './cancels.ts'
import { ChangedDocuments } from './changed-documents.ts'
import { Clearing } from './clearing.ts'
import { DatabaseClock } from './database-clock.ts'
import { Due } from './due.ts'
import { emptyInbox, lookIntoInbox } from './inbox.ts'
import type { LeaseWatch } from './lease-watch.ts'
import { Members } from './members.ts'
import { channel, News, readMessage } from './messages.ts'
import { Shares } from './shares.ts'
import { readTotals } from './totals.ts'

const pollMs = 1000
const inboxMs = 250
const clearMs = 2000
/** Between two of the same kind, if there is reason for one after the other. */
const restMs = 20
/** Of the lease: how often it is renewed. */
const beatShare = 0.25
/** After so many, what was told at the first one must have been heard. */
const deafBeats = 3
const lockTimeout = '55P03'

/** It is not waited for to be on disk: it would not survive anyhow. */
const notify = {
  name: 'cluster_notify',
  text: `SELECT set_config('synchronous_commit', 'off', true), pg_notify('${channel}', $1)`,
}

export interface RoundsContext {
  readonly serverId: number
  readonly leaseMs: number
  readonly clock: Clock
  readonly log: Pick<Log, 'warn'>
  readonly watch: LeaseWatch
  /** Does nothing any more once the membership is over. */
  readonly tell: (act: (listener: ClusterListener) => void) => void
}

/** What was known when the store was opened. */
export interface KnownAtStart {
  /** Undefined: nobody has said, and all that there are will be told. */
  readonly documents?: readonly StoredDocument[] | undefined
  readonly ended?: readonly number[] | undefined
  /** The id that this server had before. */
  readonly before?: number | undefined
  /** The lease was renewed after this time, by the clock that does not go back. */
  readonly renewedAt?: number | undefined
}

/** What a server asks and says again and again, one after the other on one connection, and what it hears in between. */
export class Rounds {
  readonly due: Due<'beat' | 'poll' | 'documents' | 'inbox' | 'shares' | 'clear' | 'news' | 'cancels' | 'dropped'>
  readonly cancels = new Cancels()
  readonly news = new News()
  readonly #context: RoundsContext
  readonly #members: Members
  readonly #databaseClock: DatabaseClock
  readonly #documents: ChangedDocuments
  readonly #shares: Shares
  readonly #clearing = new Clearing()
  #before: number | undefined
  #report: ServerReport | undefined
  #isReportNew = false
  #isLeader: boolean | undefined
  /** Number of a job. */
  #highest = 0
  /** What this server has told, it has heard itself. */
  #canHear = false
  #beats = 0
  /** What can't be done at the moment, and was said. */
  readonly #troubles = new Set<string>()

  constructor(context: RoundsContext, known: KnownAtStart) {
    const { serverId, leaseMs, clock, tell } = context
    this.#context = context
    this.#members = new Members(serverId, leaseMs)
    this.#members.ended = known.ended ?? []
    this.#databaseClock = new DatabaseClock(clock)
    this.#documents = new ChangedDocuments(known.documents)
    this.#shares = new Shares((shares) => tell((listener) => listener.onShares(shares)))
    this.#before = known.before
    this.due = new Due(clock)
  }

  get ended(): readonly number[] {
    return this.#members.ended
  }

  report(report: ServerReport): void {
    this.#report = report
    this.#isReportNew = true
  }

  demand(demands: readonly LimitDemand[]): void {
    this.#shares.demand(demands)
    this.due.set('shares', restMs)
  }

  /** There are news. */
  tell(): void {
    this.due.set('news', restMs)
  }

  /** Resolves when the server that has this job, which was cancelled, begins it no more. */
  whenDropped(number: number): Promise<void> {
    this.due.set('dropped', restMs)
    return this.cancels.whenDropped(number)
  }

  /** With a new connection. */
  begin(): void {
    for (const task of ['beat', 'cancels', 'dropped', 'poll', 'documents', 'inbox', 'shares', 'clear'] as const)
      this.due.set(task)
    this.#isReportNew = true
    this.news.addFlag('servers')
    this.tell()
  }

  /** Its lease is over. */
  resign(): void {
    if (this.#isLeader === true) this.#setLeader(false)
  }

  hear(payload: string): void {
    const { serverId, tell } = this.#context
    const message = readMessage(payload)
    if (message === undefined) return
    if (message.from === serverId) {
      this.#canHear = true
      return
    }
    if (message.documents === true) this.due.set('documents', restMs)
    if (message.servers === true) this.due.set('beat', pollMs)
    if (message.shares === true) this.due.set('shares', restMs)
    if (message.inbox === true) this.due.set('inbox', restMs)
    if (message.cancels === true) this.due.set('cancels')
    if (message.dropped === true && this.cancels.isAwaited) this.due.set('dropped', restMs)
    const ready = (message.ready ?? []).map(([name, priority]) => ({ function: name, priority }))
    if (ready.length > 0) tell((listener) => listener.onReady(ready))
  }

  /** All that is due. Rejects if the connection is of no use, or with LeaseLost. */
  async work(connection: Connection): Promise<void> {
    const isBeat = this.due.take('beat', beatShare * this.#context.leaseMs)
    if (isBeat) await this.#beat(connection)
    if (this.due.take('cancels', pollMs)) await this.#takeCancels(connection)
    if (this.due.take('dropped', pollMs)) await this.cancels.look(connection)
    if (this.due.take('news')) await this.#tellNews(connection)
    const isPoll = this.due.take('poll', pollMs)
    if (isBeat || isPoll) await this.#look(connection, isBeat, isPoll)
    if (this.due.take('documents', pollMs)) await this.#readDocuments(connection)
    if (this.due.take('inbox', inboxMs))
      await this.#attempt('take over jobs from SQL', () => this.#readInbox(connection))
    if (this.due.take('shares', pollMs)) await this.#attempt('divide limits', () => this.#divide(connection))
    if (this.due.take('clear', clearMs)) await this.#attempt('clear up', () => this.#clear(connection))
  }

  async #beat(connection: Connection): Promise<void> {
    const { clock, watch, tell } = this.#context
    const since = clock.now()
    const isRenewed = await this.#attempt('renew its lease', () => this.#members.renew(connection))
    if (isRenewed) watch.renewed(since)
    // Soon, if its row is locked for so long.
    else this.due.set('beat', inboxMs)
    const ahead = this.#databaseClock.aheadMs
    if (ahead !== undefined) tell((listener) => listener.onClock(ahead))
    this.#listenFor(++this.#beats)
  }

  /** What this server has told comes back to it, if anything comes through. */
  #listenFor(beats: number): void {
    if (this.#canHear || beats !== deafBeats) return
    this.#context.log.warn(
      'NOTIFY of the database does not come through, as with PgBouncer in transaction mode: what other servers do is seen up to a second later',
    )
  }

  async #takeCancels(connection: Connection): Promise<void> {
    const { serverId, tell } = this.#context
    const areTaken = await this.cancels.take(connection, serverId, (numbers) =>
      tell((listener) => listener.onCancelled(numbers)),
    )
    if (!areTaken) return
    this.news.addFlag('dropped')
    this.tell()
  }

  async #tellNews(connection: Connection): Promise<void> {
    if (this.news.isEmpty) return
    const payloads = this.news.take(this.#context.serverId)
    // Whoever comes says so first, and looks at everything.
    if (this.#canHear && this.#members.servers.length === 1) return
    await Promise.all(payloads.map((payload) => connection.run(notify, payload)))
  }

  async #look(connection: Connection, isBeat: boolean, isPoll: boolean): Promise<void> {
    const { tell, watch } = this.#context
    if (this.#report !== undefined && (isBeat || this.#isReportNew)) {
      this.#isReportNew = false
      await this.#members.say(connection, this.#report)
    }
    const isChanged = await this.#members.look(connection, isBeat)
    const { servers } = this.#members
    const isLeader = this.#members.isLeader && !watch.isOver
    // Before this server leads, it is told what others have done.
    if (isLeader && this.#isLeader !== true) await this.#readDocuments(connection)
    if (isBeat || isChanged) tell((listener) => listener.onServers(servers))
    this.#setLeader(isLeader)
    if (!isPoll) return
    const { functions, nextDueAt, nextExpiryAt, highest } = await readTotals(connection, this.#highest)
    tell((listener) => listener.onCounts(functions, nextDueAt, nextExpiryAt))
    if (highest === this.#highest) return
    this.#highest = highest
    tell((listener) => listener.onNumber(highest))
  }

  #setLeader(isLeader: boolean): void {
    if (isLeader === this.#isLeader) return
    this.#isLeader = isLeader
    this.#context.tell((listener) => listener.onLead(isLeader))
  }

  async #readDocuments(connection: Connection): Promise<void> {
    const changed = await this.#documents.look(connection, this.#context.serverId)
    if (changed.length > 0) this.#context.tell((listener) => listener.onDocuments(changed))
  }

  async #readInbox(connection: Connection): Promise<void> {
    const { clock, serverId, tell } = this.#context
    const since = clock.now()
    const { hasJobs, databaseMs } = await lookIntoInbox(connection)
    this.#databaseClock.note(since, databaseMs)
    if (!hasJobs) return
    const { ready, mayBeMore } = await emptyInbox(connection, serverId)
    if (mayBeMore) this.due.set('inbox')
    if (ready.length === 0) return
    for (const line of ready) this.news.addReady(line)
    this.tell()
    tell((listener) => listener.onReady(ready))
  }

  async #divide(connection: Connection): Promise<void> {
    const { clock, serverId } = this.#context
    const ahead = this.#databaseClock.aheadMs
    if (ahead === undefined || this.#shares.isIdle) return
    const before = this.#before
    const isChanged = await this.#shares.round(connection, serverId, before, clock.wallNow() + ahead)
    this.#before = undefined
    if (!isChanged) return
    this.news.addFlag('shares')
    this.tell()
  }

  async #clear(connection: Connection): Promise<void> {
    if (this.#isLeader !== true) return
    const { clock } = this.#context
    const isMore = await this.#clearing.work(connection, this.ended, this.#documents.tombstones, clock.now())
    if (isMore) this.due.set('clear', restMs)
  }

  /** False: it was not possible this time, and the connection is as good as before. */
  async #attempt(what: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      this.#troubles.delete(what)
      return true
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.isBroken) throw error
      // Somebody else has it at the moment.
      if (error.code !== lockTimeout && !this.#troubles.has(what)) {
        this.#troubles.add(what)
        this.#context.log.warn({ code: error.code }, `this server can't ${what}, and tries again: ${error.message}`)
      }
      return false
    }
  }
}
