import type { Clock } from '../../../clock.ts'
import type { Log } from '../../../log.ts'
import type { ClusterListener } from '../../cluster.ts'
import type { Connection, ConnectionOptions } from '../connection.ts'
import { LeaseLost } from './lease-lost.ts'
import { LeaseWatch } from './lease-watch.ts'
import { channel } from './messages.ts'
import { type KnownAtStart, Rounds } from './rounds.ts'

export interface ClusterContext {
  /** A connection for this alone, to the one that takes writes. */
  readonly connect: (
    options: Pick<ConnectionOptions, 'onBroken' | 'onNotification' | 'patienceMs'>,
  ) => Promise<Connection>
  readonly leaseMs: number
  readonly clock: Clock
  readonly log: Pick<Log, 'info' | 'warn'>
}

const retryMs = 500
/** Of the lease: a connection on which nothing is answered for so long is given up. */
const patienceShare = 0.4

/** Nobody relies on what is written on this connection. No lock is waited for long, since the lease is renewed here. */
const settings = `SELECT set_config('synchronous_commit', 'local', false), set_config('lock_timeout', '1000', false)`

const leave = {
  name: 'cluster_leave',
  text: 'WITH said AS (DELETE FROM geartrain.reports WHERE server_id = $1) DELETE FROM geartrain.shares WHERE server_id = $1',
}

/**
 * A server in the cluster, from when it has opened the store until its lease is over or it stops. It goes its rounds on
 * one connection, which is opened anew as often as it must be.
 */
export class Membership {
  readonly rounds: Rounds
  readonly #context: ClusterContext
  readonly #serverId: number
  readonly #listener: ClusterListener
  readonly #watch: LeaseWatch
  #connection: Connection | undefined
  /** `stop` was called, or it has lost its lease. */
  #isOver = false
  #isLeaving = false
  #isTroubleTold = false
  #running: Promise<void> = Promise.resolve()

  constructor(context: ClusterContext, serverId: number, listener: ClusterListener, known: KnownAtStart) {
    this.#context = context
    this.#serverId = serverId
    this.#listener = listener
    this.#watch = new LeaseWatch(context.clock, context.leaseMs, () => this.#leaseIsOver(), known.renewedAt)
    const { leaseMs, clock, log } = context
    // An answer may come after it is over.
    const tell = (act: (to: ClusterListener) => void): void => {
      if (!this.#isOver) act(listener)
    }
    this.rounds = new Rounds({ serverId, leaseMs, clock, log, watch: this.#watch, tell }, known)
  }

  start(): void {
    this.#running = this.#run()
  }

  renewed(since: number): void {
    this.#watch.renewed(since)
  }

  checkLease(): void {
    this.#watch.check()
  }

  /** `isForGood`: what it has of limits is anybody's at once, and not only when its lease would be over. */
  async stop(isForGood: boolean): Promise<void> {
    this.#watch.stop()
    this.rounds.cancels.giveUp()
    this.#isLeaving = isForGood && this.#connection !== undefined
    if (!this.#isLeaving) this.#isOver = true
    this.rounds.due.wake()
    if (this.#isLeaving) await this.#running
    this.#isOver = true
    await this.#connection?.close()
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      try {
        await this.#meet()
      } catch (error) {
        if (this.#isOver) return
        if (error instanceof LeaseLost) return this.#lose(error)
        this.#tellTrouble(error)
      }
      if (this.#isLeaving) return
      await this.rounds.due.sleep(retryMs)
    }
  }

  /** As long as a connection lasts. */
  async #meet(): Promise<void> {
    const { rounds } = this
    const connection = await this.#context.connect({
      // So that there is time to renew the lease on another one.
      patienceMs: patienceShare * this.#context.leaseMs,
      onBroken: () => rounds.due.wake(),
      onNotification: (_, payload) => rounds.hear(payload),
    })
    this.#connection = connection
    try {
      await connection.execute(settings)
      await connection.execute(`LISTEN ${channel}`)
      rounds.begin()
      while (!this.#isOver && !connection.isBroken) {
        if (this.#isLeaving) return void (await connection.run(leave, this.#serverId))
        // It is not renewed any more, even if nobody has taken it: the server was told that it is over.
        if (this.#watch.isOver) throw new LeaseLost()
        await rounds.work(connection)
        this.#isTroubleTold = false
        await rounds.due.pause()
      }
    } finally {
      this.#connection = undefined
      await connection.close()
    }
  }

  /** Once. */
  #leaseIsOver(): void {
    if (this.#isOver) return
    this.rounds.resign()
    this.rounds.cancels.giveUp()
    this.#listener.onLeaseOver()
  }

  #lose({ code, message }: LeaseLost): void {
    if (!this.#watch.isOver) this.#leaseIsOver()
    this.#watch.stop()
    this.#isOver = true
    this.#listener.onBroken(code, message)
  }

  #tellTrouble(error: unknown): void {
    if (this.#isTroubleTold) return
    this.#isTroubleTold = true
    const message = error instanceof Error ? error.message : String(error)
    this.#context.log.warn(`this server can't reach the others through the database, and tries again: ${message}`)
  }
}
