import type { ControlAnswer, ControlOperation, ControlOperations } from '@geartrain/protocol'
import { packet } from '../../simulation/command.ts'
import type { Random } from '../../simulation/random.ts'
import type { Connection } from '../policies/connection.ts'
import { functions } from './functions.ts'
import type { Life } from './life.ts'
import type { Place, World } from './world.ts'

/** Asks one server, one thing after the other. */
export class Operator {
  readonly #world: World
  readonly #connection: Connection | undefined
  readonly #life: Life | undefined
  #onAnswer: (body: string | undefined) => void = () => {}

  constructor(world: World, random: Random, place: Place) {
    this.#world = world
    const connected = world.connect('operator', random, place, ({ name, args, data }) => {
      if (name === 'CONTROL_RES') this.#onAnswer(Buffer.from(data, 'latin1').toString())
      else if (name === 'JOB_CREATED') this.#onAnswer(args[0] ?? '')
      else if (name === 'ERROR') this.#onAnswer(undefined)
    })
    this.#connection = connected?.connection
    this.#life = connected?.life
    void this.#connection?.closed.then(() => this.#onAnswer(undefined))
  }

  /** Undefined: no answer in time, or it can't be done now. */
  async ask<Operation extends ControlOperation>(
    op: Operation,
    params: ControlOperations[Operation]['params'],
    withinMs: number,
  ): Promise<ControlOperations[Operation]['answer'] | undefined> {
    const command = packet('CONTROL', [], Buffer.from(JSON.stringify({ op, ...params })).toString('latin1'))
    const body = await this.#answer(() => this.#connection?.send(command), withinMs)
    if (body === undefined) return undefined
    // The server's own words; what is wrong in them shows where they are used.
    const answered = JSON.parse(body) as ControlAnswer<ControlOperations[Operation]['answer']>
    if (answered.ok) return answered.answer
    this.#world.ledger.event(`${op} is refused: ${answered.error.message}`)
    return undefined
  }

  /** It takes a job, and its store keeps it. */
  async submits(withinMs: number): Promise<boolean> {
    const { ledger } = this.#world
    const submission = ledger.submitted({
      id: ledger.newId('s'),
      client: this.#connection?.name ?? '',
      function: functions.work,
    })
    const command = packet('SUBMIT_JOB_BG', [functions.work, ''], submission.id)
    const handle = await this.#answer(() => this.#connection?.send(command), withinMs)
    if (handle === undefined) ledger.abandoned(submission)
    else ledger.acknowledged(submission, handle, this.#life)
    return handle !== undefined
  }

  end(): void {
    this.#connection?.end()
  }

  #answer(send: () => void, withinMs: number): Promise<string | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(undefined), withinMs)
      this.#onAnswer = (body) => {
        clearTimeout(timer)
        resolve(body)
      }
      if (this.#connection?.isOpen === true) send()
      else this.#onAnswer(undefined)
    })
  }
}
