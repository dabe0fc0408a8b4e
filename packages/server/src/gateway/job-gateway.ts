import type { Actor } from '../access/actor.ts'
import { itself } from '../access/actor.ts'
import type { Clock } from '../clock.ts'
import type { Connection } from '../connection.ts'
import type { Limits } from '../limits.ts'
import { BackgroundLine } from './background-line.ts'
import { type ForegroundEvent, ForegroundJob } from './foreground-job.ts'
import type { LocalLink } from './local-link.ts'
import { checkSubmission, type LocalSubmission } from './submission.ts'

export interface GatewayContext {
  readonly clock: Clock
  readonly limits: Limits
  connect(link: LocalLink, actor: Actor): Connection | undefined
}

/** Submits jobs for those who have no connection of their own. */
export class JobGateway {
  readonly #context: GatewayContext
  readonly #line: BackgroundLine

  constructor(context: GatewayContext) {
    this.#context = context
    this.#line = new BackgroundLine(context.limits, (link) => context.connect(link, itself))
  }

  /** A background job: its handle, when it is kept. Throws a Problem, or rejects with one. */
  submit(submission: LocalSubmission, actor: Actor): Promise<string> {
    checkSubmission(submission, actor, this.#context.limits)
    return this.#line.submit(submission)
  }

  /** A foreground job that is not submitted yet. Throws a Problem. */
  foreground(
    submission: LocalSubmission,
    actor: Actor,
    timeoutMs: number | undefined,
    onEvent: (event: ForegroundEvent) => void,
  ): ForegroundJob {
    const { clock, limits, connect } = this.#context
    checkSubmission(submission, actor, limits)
    const context = { clock, limits, connect: (link: LocalLink) => connect(link, actor) }
    return new ForegroundJob(context, submission, timeoutMs, onEvent)
  }
}
