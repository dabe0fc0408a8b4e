import type { Random } from '../simulation/random.ts'
import { type Message, message } from './event.ts'
import type { Peer } from './peer.ts'
import { type Action, type Fate, functionNames, type Habits, type RoundPlan } from './plan.ts'
import type { World } from './world.ts'

const backgroundForms = ['SUBMIT_JOB_BG', 'SUBMIT_JOB_BG', 'SUBMIT_JOB_HIGH_BG', 'SUBMIT_JOB_LOW_BG']
const foregroundForms = ['SUBMIT_JOB', 'SUBMIT_JOB', 'SUBMIT_JOB_HIGH', 'SUBMIT_JOB_LOW']
const lastWords = ['WORK_COMPLETE', 'WORK_COMPLETE', 'WORK_COMPLETE', 'WORK_COMPLETE', 'WORK_FAIL', 'WORK_EXCEPTION']
const answers = new Set(['JOB_CREATED', 'STATUS_RES', 'STATUS_RES_UNIQUE', 'ECHO_RES', 'OK', 'ERR'])
/** Seconds from now. The last one does not come while the run lasts. */
const epochs = [-5, 0, 1, 1, 2, 3, 3600]

/** Somebody who uses the server as its habits are, over one connection after another. */
export class Player {
  readonly #world: World
  readonly #plan: Pick<RoundPlan, 'uniques' | 'largeChance'>
  readonly #habits: Habits
  readonly #random: Random
  readonly #timers = new Set<NodeJS.Timeout>()
  #peer: Peer | undefined
  #isStopped = false
  #isResting = false
  /** Commands and grabs without an answer. */
  #pending = 0
  #grabs = 0
  #grabForm = 'GRAB_JOB_UNIQ'
  #functions: string[] = []

  constructor(world: World, plan: Pick<RoundPlan, 'uniques' | 'largeChance'>, habits: Habits, random: Random) {
    this.#world = world
    this.#plan = plan
    this.#habits = habits
    this.#random = random
  }

  start(): void {
    if (this.#isStopped) return
    const { burst, grabs } = this.#habits
    const random = this.#random
    this.#pending = 0
    this.#grabs = 0
    const isEverywhere = this.#habits.kind === 'honest' || random.chance(0.5)
    this.#functions = functionNames.filter(() => isEverywhere || random.chance(0.5))
    this.#grabForm = random.pick(['GRAB_JOB_UNIQ', 'GRAB_JOB_UNIQ', 'GRAB_JOB_ALL', 'GRAB_JOB'])
    this.#peer = this.#world.connect((answer) => this.#onMessage(answer))
    if (grabs > 0 && this.#functions.length > 0) {
      this.#peer.send(...this.#functions.map((name) => message('CAN_DO', name)))
      this.#grab()
    }
    if (burst > 0) this.#send(this.#burst())
    this.#act()
  }

  /** It says nothing any more, and keeps what it has. */
  stop(): void {
    this.#isStopped = true
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
  }

  leave(): void {
    this.stop()
    this.#peer?.leave(this.#random.pick(['end', 'reset']))
  }

  // What it does by itself

  #act(): void {
    const { actions, batchMax, pendingMax, leaveChance, pauseMs } = this.#habits
    const random = this.#random
    this.#isResting = false
    if (actions.length === 0 || this.#peer === undefined) return
    if (this.#pending >= pendingMax) {
      this.#isResting = true
      return
    }
    const count = random.between(1, batchMax)
    this.#send(Array.from({ length: count }, () => this.#message(random.weighted(actions))))
    if (random.chance(leaveChance)) return this.#comeAnew(random.pick(['end', 'reset']))
    this.#later(random.exponential(pauseMs), () => this.#act())
  }

  #burst(): Message[] {
    const { burst, isBurstDeep } = this.#habits
    const name = this.#random.pick(functionNames)
    const form = this.#random.pick(backgroundForms)
    return Array.from({ length: burst }, () => {
      return isBurstDeep ? message(form, name, '', this.#world.newName('s')) : this.#message('background')
    })
  }

  #send(messages: readonly Message[]): void {
    // A word on another's job is refused or dropped.
    this.#pending += messages.filter(({ name }) => name !== 'WORK_COMPLETE').length
    this.#peer?.send(...messages)
  }

  #message(action: Action): Message {
    const random = this.#random
    const { handles } = this.#world
    const handle = handles.length === 0 ? 'H:nobody:1' : random.pick(handles)
    switch (action) {
      case 'background':
        return this.#submission(random.pick(backgroundForms), [])
      case 'epoch':
        return this.#submission('SUBMIT_JOB_EPOCH', [String(Math.floor(Date.now() / 1000) + random.pick(epochs))])
      case 'reduce':
        return this.#submission('SUBMIT_REDUCE_JOB_BACKGROUND', ['reducer', ''])
      case 'foreground':
        return this.#submission(random.pick(foregroundForms), [])
      case 'status':
        return message('GET_STATUS', handle)
      case 'status of unique':
        return message('GET_STATUS_UNIQUE', random.pick(this.#plan.uniques))
      case 'cancel':
        return message('cancel job', handle)
      case 'stale word':
        // With a grab on its way the job could be its own by then.
        return this.#grabs > 0 ? message('GET_STATUS', handle) : message('WORK_COMPLETE', handle, 'stale')
      case 'echo':
        return message('ECHO_REQ', this.#world.newName('e'))
    }
  }

  #submission(form: string, more: readonly string[]): Message {
    const random = this.#random
    const functionName = random.pick(functionNames)
    const fresh = random.chance(0.05) ? '' : this.#world.newWorkload(random, this.#plan.largeChance)
    const [unique, workload] = random.weighted<readonly [string, string]>([
      [4, ['', fresh]],
      [3, [this.#world.newName('own-'), fresh]],
      [3, [random.pick(this.#plan.uniques), fresh]],
      [0.6, ['-', `same${random.pick(['', '+3000', '+50000'])}`]],
      [0.4, ['-', fresh]],
    ])
    return message(form, functionName, unique, ...more, workload)
  }

  /** Its connection ends, and it comes back over another. */
  #comeAnew(how: 'end' | 'reset'): void {
    this.#peer?.leave(how)
    this.#peer = undefined
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
    this.#later(this.#random.exponential(10), () => this.start())
  }

  // What it does with what it hears

  #onMessage(heard: Message): void {
    if (this.#isStopped || this.#peer?.isOpen !== true) return
    if (answers.has(heard.name)) {
      this.#pending--
      if (this.#isResting && this.#pending < this.#habits.pendingMax / 2) this.#act()
    } else if (heard.name === 'NOOP') this.#grab()
    else if (heard.name === 'NO_JOB') {
      this.#grabs--
      if (this.#grabs > 0) return
      if (this.#habits.kind === 'honest' || this.#random.chance(0.6)) this.#peer.send(message('PRE_SLEEP'))
      else this.#later(this.#random.exponential(10), () => this.#grab())
    } else if (heard.name.startsWith('JOB_ASSIGN')) {
      this.#grabs--
      this.#work(heard.args[0] ?? '', heard.args[1] ?? '')
    }
  }

  #grab(): void {
    const wanted = this.#habits.grabs - this.#grabs
    if (wanted <= 0) return
    this.#grabs += wanted
    this.#peer?.send(...Array.from({ length: wanted }, () => message(this.#grabForm)))
  }

  #work(handle: string, functionName: string): void {
    const { fates, workMs } = this.#habits
    const fate: Fate = this.#random.weighted(fates)
    switch (fate) {
      case 'at once':
        return this.#finish(handle)
      case 'at once, and submit':
        return this.#finish(handle, [this.#message('background')])
      case 'later':
        this.#later(this.#random.exponential(workMs * 5), () => this.#peer?.send(this.#lastWord(handle)))
        return this.#grab()
      case 'never':
        return this.#grab()
      case 'leave':
        return this.#comeAnew(this.#random.pick(['end', 'reset']))
      case 'finish and leave':
        this.#peer?.send(this.#lastWord(handle))
        return this.#comeAnew(this.#random.pick(['end', 'reset']))
      case 'CANT_DO':
        // With grabs on their way it would not be known which of them it is for.
        if (this.#grabs > 0) return this.#finish(handle)
        this.#peer?.send(message('CANT_DO', functionName), message('CAN_DO', functionName))
        return this.#grab()
    }
  }

  #finish(handle: string, and: readonly Message[] = []): void {
    const { workMs } = this.#habits
    const finish = () => {
      this.#pending += and.length
      this.#peer?.send(this.#lastWord(handle), ...and)
      this.#grab()
    }
    if (workMs === 0) finish()
    else this.#later(this.#random.exponential(workMs), finish)
  }

  #lastWord(handle: string): Message {
    const form = this.#habits.kind === 'honest' ? 'WORK_COMPLETE' : this.#random.pick(lastWords)
    return form === 'WORK_FAIL' ? message(form, handle) : message(form, handle, this.#world.newName('r'))
  }

  /** Unless the connection has ended by then. */
  #later(delayMs: number, act: () => void): void {
    if (this.#isStopped) return
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      if (!this.#isStopped && this.#world.ledger.fault === undefined) act()
    }, delayMs)
    this.#timers.add(timer)
  }
}
