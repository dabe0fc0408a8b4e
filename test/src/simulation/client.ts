import { Actor } from './actor.ts'
import { type Command, finalPackets, optionSubmissions, packet, submissions } from './command.ts'
import type { IncomingPacket } from './incoming.ts'
import { drawPayloadBytes } from './plan.ts'
import type { Stage } from './stage.ts'

/** What many clients submit under. */
const sharedUniques = ['same', 'other', 'u'.repeat(64), 'caf\xc3\xa9']
const sharedWorkloads = ['one and the same', 'x'.repeat(3000), '-']

const forms = [...submissions, ...optionSubmissions]
const backgroundForms = forms.filter(([, { background }]) => background).map(([form]) => form)
const foregroundForms = forms.filter(([, { background }]) => !background).map(([form]) => form)
/** Of whoever traces: workers do not ask for it. */
const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

/** So much is sent and not waited for. */
const floodMax = 40

/** Codes that are not about a submission. */
const otherErrors = ['UNKNOWN_OPTION', 'TOO_MANY_CONNECTIONS']

/** Submits jobs in rounds, mostly of one kind, and waits for what comes of those that can be waited for. */
export class Client extends Actor {
  readonly #isBackground: boolean
  #submissionCount = 0
  /** Forms of the submissions that are not answered, in their order. */
  readonly #unanswered: string[] = []
  /** Ends that are still to come. */
  #waiting = 0

  constructor(stage: Stage, name: string, isBackground: boolean) {
    super(stage, name)
    this.#isBackground = isBackground
  }

  get isDone(): boolean {
    return this.#unanswered.length === 0 && this.#waiting === 0
  }

  protected onConnected(): void {
    // The server waits only so long for the first word.
    if (this.stage.random.chance(0.3)) this.send(packet('OPTION_REQ', ['exceptions']))
    else this.send(packet('ECHO_REQ', [], 'hello'))
    if (this.chance(0.1)) this.send(packet('OPTION_REQ', ['no such option']))
    this.later(this.pauseMs(), () => this.#round())
    if (this.chance(0.3)) this.later(this.stage.random.exponential(2000), () => this.#leaveEarly())
  }

  protected onPacket({ name, args }: IncomingPacket): void {
    if (name === 'JOB_CREATED') {
      const form = this.#unanswered.shift() ?? ''
      if (foregroundForms.includes(form)) this.#waiting++
    } else if (name === 'ERROR' && isRefusal(args)) this.#unanswered.shift()
    else if (finalPackets.has(name)) this.#waiting--
    else return
    if (this.isDone) this.#endRound()
  }

  protected override onClosed(): void {
    this.#unanswered.length = 0
    this.#waiting = 0
  }

  protected onRetire(): void {}

  #endRound(): void {
    const { random } = this.stage
    if (random.chance(0.05)) this.leave(random.pick(['finish', 'close']))
    else if (!this.isRetired) this.later(this.pauseMs(), () => this.#round())
  }

  #round(): void {
    if (this.isRetired || !this.isDone) return
    const { random } = this.stage
    const commands: Command[] = []
    for (let i = random.pick([1, 1, 1, 1, 2, 2, 2, 5, 5, 20, 20, 150]); i > 0; i--) {
      commands.push(this.#submission())
      if (random.chance(0.1)) commands.push(this.#question())
    }
    if (random.chance(0.5)) this.send(...commands)
    else for (const command of commands) this.send(command)
    if (this.stage.plan.storage !== undefined && random.chance(this.stage.plan.storage.floods)) this.#flood()
    if (this.chance(0.15)) this.peer?.dawdle(random.exponential(1000))
    if (this.chance(0.05)) this.later(random.exponential(50), () => this.#leaveEarly())
    // As `printf ... | nc -N` does: it reads all answers, and the server knows that there are no more questions.
    if (this.chance(0.05)) this.leave('finish')
  }

  /** Does not wait for answers: while the store takes its time, what is held back for it must not grow for ever. */
  #flood(): void {
    const { random, plan } = this.stage
    const padding = 'f'.repeat(plan.largeBytes)
    for (let i = random.between(10, floodMax); i > 0; i--) {
      this.send(this.#submission(), packet('ECHO_REQ', [], 'e'.repeat(40_000)))
      if (padding !== '') this.#unanswered.push('SUBMIT_JOB_BG')
      if (padding !== '') this.send(packet('SUBMIT_JOB_BG', [random.pick(plan.functions), ''], `${i} ${padding}`))
    }
  }

  #submission(): Command {
    const { random, plan } = this.stage
    const isBackground = random.chance(0.1) ? !this.#isBackground : this.#isBackground
    const form = random.pick(isBackground ? backgroundForms : foregroundForms)
    this.#unanswered.push(form)
    const id = `${this.peer?.line.name} ${++this.#submissionCount} `
    const own = id + 'w'.repeat(drawPayloadBytes(plan, random))
    const [unique, workload] = random.weighted([
      [4, ['', own]],
      [2, [id.slice(0, 64), own]],
      [3, [random.pick(sharedUniques), own]],
      [1, ['-', random.pick(sharedWorkloads)]],
      [plan.mischief / 10, ['u'.repeat(65), own]],
    ] as const)
    const args = [random.pick(plan.functions), unique]
    if (form === 'SUBMIT_JOB_EPOCH') args.push(String(this.stage.epoch(random.pick([-5000, 0, 1000, 3000, 20_000]))))
    if (form.startsWith('SUBMIT_REDUCE')) args.push('reducer', '')
    if (optionSubmissions.has(form)) {
      return packet('SUBMIT_JOB_WITH', [...args, form, random.pick(['', trace])], workload)
    }
    // The name is a key of the table of submissions.
    return packet(form as 'SUBMIT_JOB', args, workload)
  }

  #question(): Command {
    const { random, ledger } = this.stage
    const handles = [...ledger.jobs.keys()].slice(-20)
    return random.weighted<Command>([
      [1, packet('GET_STATUS', [handles.length > 0 ? random.pick(handles) : 'H:nobody:1'])],
      [1, packet('GET_STATUS_UNIQUE', [random.pick(sharedUniques)])],
      [1, packet('ECHO_REQ', [], 'e'.repeat(random.pick([0, 1, 100, 40_000])))],
      [0.1, packet('SET_CLIENT_ID', [this.name])],
    ])
  }

  #leaveEarly(): void {
    this.leave(this.stage.isHealed ? 'close' : this.stage.random.pick(['finish', 'close', 'reset', 'vanish']))
  }
}

/** Of a submission: other questions are refused as well. */
function isRefusal([code = '', text = '']: readonly string[]): boolean {
  return !otherErrors.includes(code) && !text.startsWith('The jobs on disk can not be looked up')
}
