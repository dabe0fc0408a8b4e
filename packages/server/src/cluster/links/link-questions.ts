import type { JobSummary } from '@geartrain/protocol'
import type { Clock } from '../../clock.ts'
import {
  type LinkAnswer,
  type LinkedEvent,
  type LinkedJob,
  type LinkedPurge,
  type LinkGreeting,
  type LinkMessage,
  type LinkWelcome,
  readLinkAnswer,
} from './link-messages.ts'

const answerMs = 1000
/** All jobs in a server's memory are looked at, and what has ended is written. */
const purgeMs = 30_000

/** Undefined: there is no answer, since the connection is lost. What one of ours has answered is what was asked for. */
type OnAnswer<Answer> = (answer: LinkAnswer<Answer> | undefined) => void

/** Somebody here wants to know what becomes of a job, by the digits of its handle. */
export interface LinkWatch {
  readonly number: number
  readonly onEvent: (event: LinkedEvent) => void
}

/** What one server asks another over one connection. */
export class LinkQuestions {
  readonly #clock: Clock
  readonly #send: (message: LinkMessage) => void
  /** In the order in which they were asked, in which they are answered. */
  readonly #inOrder: OnAnswer<never>[] = []
  /** Those that have an id, by which they are answered at any time, once or more often. */
  readonly #numbered = new Map<number, OnAnswer<never>>()
  readonly #watches = new Map<LinkWatch, number>()
  #lastId = 0

  constructor(clock: Clock, send: (message: LinkMessage) => void) {
    this.#clock = clock
    this.#send = send
  }

  /** The first one. */
  greet(greeting: Omit<LinkGreeting, 'op'>, onAnswer: OnAnswer<LinkWelcome>): void {
    this.#inOrder.push(onAnswer)
    this.#send({ op: 'link', ...greeting })
  }

  /** How a job stands that the other server has; undefined: it has not, or has not said so in time. */
  jobOf(number: number): Promise<JobSummary | undefined> {
    return new Promise((resolve) => {
      const callOff = this.#clock.after(answerMs, () => resolve(undefined))
      this.#inOrder.push((answer: LinkAnswer<LinkedJob> | undefined) => {
        callOff()
        resolve(answer?.ok === true ? (answer.answer.job ?? undefined) : undefined)
      })
      this.#send({ op: 'link job', number })
    })
  }

  /** What waits there of a function ends: how many there were, or why that is not known. */
  purge(functionName: string): Promise<number | string> {
    return new Promise((resolve) => {
      const callOff = this.#clock.after(purgeMs, () => resolve(`it has not answered in ${purgeMs / 1000} s`))
      const id = ++this.#lastId
      this.#numbered.set(id, (answer: LinkAnswer<LinkedPurge> | undefined) => {
        this.#numbered.delete(id)
        callOff()
        if (answer === undefined) resolve('the link to it was lost')
        else resolve(answer.ok ? answer.answer.purged : answer.error.message)
      })
      this.#send({ op: 'link purge', id, function: functionName })
    })
  }

  watch(watch: LinkWatch): void {
    const id = ++this.#lastId
    this.#watches.set(watch, id)
    this.#numbered.set(id, (answer: LinkAnswer<LinkedEvent> | undefined) => {
      if (answer?.ok === true) watch.onEvent(answer.answer)
    })
    this.#send({ op: 'link watch', id, number: watch.number })
  }

  unwatch(watch: LinkWatch): void {
    const id = this.#watches.get(watch)
    if (id === undefined) return
    this.#watches.delete(watch)
    this.#numbered.delete(id)
    this.#send({ op: 'link unwatch', id })
  }

  answered(data: Uint8Array): void {
    // Each question knows its answer's type, and who speaks our protocol is one of ours.
    const answer = readLinkAnswer(data) as LinkAnswer<never>
    if (answer.id === undefined) this.#inOrder.shift()?.(answer)
    else this.#numbered.get(answer.id)?.(answer)
  }

  /** By an ERROR packet: the other one does not know such questions. */
  refused(message: string): void {
    this.#inOrder.shift()?.({ ok: false, error: { code: 'BAD_REQUEST', message } })
  }

  /** The connection is lost. */
  end(): void {
    const unanswered = [...this.#inOrder.splice(0), ...this.#numbered.values()]
    this.#numbered.clear()
    for (const onAnswer of unanswered) onAnswer(undefined)
  }
}
