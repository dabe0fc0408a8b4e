import type { ControlAnswer, ControlOperation, ControlOperations, DeadJob, JobDescription } from '@geartrain/protocol'
import { packet } from '../../simulation/command.ts'
import type { Random } from '../../simulation/random.ts'
import type { Connection } from './connection.ts'
import { functionRules, tickFunction } from './functions.ts'
import type { World } from './world.ts'

const pauseMs = 30
const pageMax = 500
const noteCount = 6
/** Of functions of which more than so many are kept. */
const keptFunctions = functionRules.filter(({ deadMax }) => deadMax > 1000).map(({ name }) => name)

/** That the server is gone, in the middle of a question. */
class Gone extends Error {}

/** What is set of one name: acknowledged, and what may be since. */
interface NoteState {
  kept: string
  readonly said: string[]
}

/** The policies that operators have set, through all lives of the server. */
export class Notes {
  readonly byName = new Map<string, NoteState>()
}

/** Asks the server by CONTROL, one thing after the other, and plays with what it may. */
export class Operator {
  readonly #world: World
  readonly #notes: Notes
  readonly #connection: Connection
  #answer: ((body: string | undefined) => void) | undefined
  #isStopped = false

  constructor(world: World, notes: Notes) {
    this.#world = world
    this.#notes = notes
    this.#connection = world.connect('operator', ({ name, data }) => {
      if (name === 'CONTROL_RES') this.#answer?.(Buffer.from(data, 'latin1').toString())
    })
    void this.#connection.closed.then(() => this.#answer?.(undefined))
  }

  stop(): void {
    this.#isStopped = true
  }

  end(): void {
    this.stop()
    this.#connection.end()
  }

  /** Rejects with Gone. */
  async #ask<Operation extends ControlOperation>(
    op: Operation,
    params: ControlOperations[Operation]['params'],
  ): Promise<ControlAnswer<ControlOperations[Operation]['answer']>> {
    const body = await new Promise<string | undefined>((resolve) => {
      this.#answer = resolve
      if (!this.#connection.isOpen) return resolve(undefined)
      this.#connection.send(packet('CONTROL', [], Buffer.from(JSON.stringify({ op, ...params })).toString('latin1')))
    })
    if (body === undefined) throw new Gone()
    // The server's own words; what is wrong in them shows where they are used.
    return JSON.parse(body) as ControlAnswer<ControlOperations[Operation]['answer']>
  }

  /** What must be answered well. */
  async #demand<Operation extends ControlOperation>(
    op: Operation,
    params: ControlOperations[Operation]['params'],
  ): Promise<ControlOperations[Operation]['answer']> {
    const answered = await this.#ask(op, params)
    if (answered.ok) return answered.answer
    this.#world.ledger.fail('k', `${op} ${JSON.stringify(params)} is refused: ${answered.error.message}`)
    throw new Gone()
  }

  // In the midst of it

  /** Until it is stopped or the server is gone. */
  async play(random: Random): Promise<void> {
    try {
      while (!this.#isStopped && !this.#world.isOver) {
        await new Promise((resolve) => setTimeout(resolve, random.exponential(pauseMs)))
        if (this.#isStopped) return
        await random.weighted([
          [4, () => this.#retryDead(random)],
          [1, () => this.#deleteDead(random)],
          [2, () => this.#setNote(random)],
          [2, () => this.#turnGate(random)],
        ])()
      }
    } catch (error) {
      if (!(error instanceof Gone)) throw error
    }
  }

  async #someDead(random: Random, countMax: number) {
    const { ledger } = this.#world
    const { jobs: listed } = await this.#demand('dead', { function: random.pick(keptFunctions), limit: 50 })
    const known = listed.map(({ handle }) => ledger.ofHandle(handle)).filter((job) => job?.handle !== undefined)
    const chosen = known.filter(() => random.chance(0.3)).slice(0, countMax)
    const jobs = chosen.flatMap((job) => (job === undefined || job.deleted !== 'no' ? [] : [job]))
    for (const job of jobs) ledger.listedDead(job)
    return jobs
  }

  async #retryDead(random: Random): Promise<void> {
    const { ledger } = this.#world
    const jobs = await this.#someDead(random, 5)
    if (jobs.length === 0) return
    for (const job of jobs) ledger.retrySaid(job)
    const { retried, refused } = await this.#demand('dead retry', { handles: jobs.map(({ handle = '' }) => handle) })
    if (retried !== jobs.length) {
      return ledger.fail('i', `of ${jobs.length} dead jobs ${retried} are retried: ${JSON.stringify(refused)}`, jobs[0])
    }
    for (const job of jobs) ledger.retryKept(job)
  }

  async #deleteDead(random: Random): Promise<void> {
    const { ledger } = this.#world
    const jobs = await this.#someDead(random, 2)
    if (jobs.length === 0) return
    for (const job of jobs) ledger.deleteSaid(job)
    const { deleted } = await this.#demand('dead delete', { handles: jobs.map(({ handle = '' }) => handle) })
    if (deleted !== jobs.length) ledger.fail('i', `of ${jobs.length} dead jobs ${deleted} are deleted`, jobs[0])
    else for (const job of jobs) ledger.deleteKept(job)
  }

  async #setNote(random: Random): Promise<void> {
    const name = `note.${random.between(1, noteCount)}`
    const attempts = String(random.between(1, 1000))
    const note = this.#notes.byName.get(name) ?? { kept: 'off', said: [] }
    this.#notes.byName.set(name, note)
    note.said.push(attempts)
    const { settings } = await this.#demand('function set', { name, values: { attempts } })
    note.kept = attempts
    note.said.length = 0
    this.#world.ledger.count('policies set')
    const shown = settings.find(({ key }) => key === 'attempts')?.value
    if (shown !== attempts) this.#world.ledger.fail('h', `${name} is set to ${attempts}, and answered with ${shown}`)
  }

  async #turnGate(random: Random): Promise<void> {
    await this.#setGate(random.chance(0.4))
  }

  async #setGate(isPaused: boolean): Promise<void> {
    const { ledger } = this.#world
    ledger.gateSaid(isPaused ? 'pausing' : 'resuming')
    await this.#demand('function set', { name: 'gate', values: { paused: isPaused ? 'true' : null } })
    ledger.gateIs(isPaused)
  }

  // Looking through

  /** All that the server has said before is on disk when this is done. */
  async settleDisk(): Promise<void> {
    const { ledger } = this.#world
    const askedAt = Date.now()
    await this.#demand('function set', { name: 'barrier', values: { attempts: String(1 + (askedAt % 1000)) } })
    ledger.allKept(askedAt)
  }

  /** While nobody works: where all jobs are, what is set, what the schedule has done. False: the server is gone. */
  async inspect(): Promise<boolean> {
    try {
      await this.#inspectJobs()
      await this.#inspectSettings()
      await this.inspectTicks()
      return true
    } catch (error) {
      if (!(error instanceof Gone)) throw error
      return false
    }
  }

  async #inspectJobs(): Promise<void> {
    const { ledger } = this.#world
    const deadBefore = await this.#allDead()
    const live = await this.liveHandles()
    const deadAfter = await this.#allDead()
    for (const handle of new Set([...live, ...[...deadBefore, ...deadAfter].map((job) => job.handle)])) {
      if (ledger.ofHandle(handle) !== undefined) continue
      const described = await this.#describe(handle)
      const { workload } = described ?? {}
      if (workload !== undefined && 'text' in workload) ledger.discovered(handle, workload.text)
      ledger.count('discovered')
    }
    ledger.check({ deadBefore, live: new Set(live), deadAfter })
  }

  /** Of all jobs that have not ended, but for the schedule's. */
  async liveHandles(): Promise<string[]> {
    const handles: string[] = []
    for (let after: string | undefined; ; ) {
      const params = { limit: pageMax, ...(after === undefined ? {} : { after }) }
      const { jobs, next } = await this.#demand('jobs', params)
      handles.push(...jobs.filter((job) => job.function !== tickFunction).map(({ handle }) => handle))
      if (next === undefined) break
      after = next
    }
    const twice = handles.find((handle, index) => handles.indexOf(handle) !== index)
    if (twice !== undefined) this.#world.ledger.fail('a', `jobs has ${twice} twice`, this.#world.ledger.ofHandle(twice))
    return handles
  }

  async #allDead(functionName?: string): Promise<DeadJob[]> {
    const dead: DeadJob[] = []
    for (let before: string | undefined; ; ) {
      const of = functionName === undefined ? {} : { function: functionName }
      const { jobs, next } = await this.#demand('dead', {
        limit: pageMax,
        ...of,
        ...(before === undefined ? {} : { before }),
      })
      dead.push(...jobs)
      if (next === undefined) return dead
      before = next
    }
  }

  async #describe(handle: string): Promise<JobDescription | undefined> {
    const answered = await this.#ask('job show', { handle })
    if (answered.ok) return answered.answer
    if (answered.error.code !== 'NOT_FOUND') {
      this.#world.ledger.fail('k', `job show ${handle} is refused: ${answered.error.message}`)
    }
    return undefined
  }

  async #inspectSettings(): Promise<void> {
    const { ledger } = this.#world
    for (const [name, note] of this.#notes.byName) {
      const shown = await this.#settingOf(name, 'attempts')
      if (shown !== note.kept && !note.said.includes(shown)) {
        return ledger.fail(
          'h',
          `${name} was set to ${note.kept}, and has ${shown} attempts; said since: ${note.said.join(' ')}`,
        )
      }
      note.kept = shown
      note.said.length = 0
    }
    const isPaused = (await this.#settingOf('gate', 'paused')) !== 'false'
    const { gateKept } = ledger
    if (gateKept !== undefined && gateKept !== isPaused) {
      return ledger.fail('h', `gate was ${gateKept ? 'paused' : 'not paused'}, and ${isPaused ? 'is' : 'is not'} now`)
    }
    ledger.gateIs(isPaused)
  }

  async #settingOf(name: string, key: string): Promise<string> {
    const { settings } = await this.#demand('function show', { name })
    return settings.find((setting) => setting.key === key)?.value ?? ''
  }

  async inspectTicks(): Promise<void> {
    const { ledger } = this.#world
    const state = await this.#demand('schedule show', { name: tickFunction })
    await this.settleDisk()
    const wrong = ledger.ticks.learn(state)
    if (wrong !== undefined) return ledger.fail('g', wrong)
  }

  // The end

  /** Rejects if the server is gone, as does what follows. */
  async openGate(): Promise<void> {
    await this.#setGate(false)
  }

  /** When all is done or dead: what the server tells of both. Then the dead are deleted. */
  async audit(sampleMax: number): Promise<void> {
    const { ledger } = this.#world
    const dead = await this.#allDead()
    for (const { handle } of dead.slice(0, sampleMax)) {
      const job = ledger.ofHandle(handle)
      const described = await this.#describe(handle)
      if (job !== undefined && described !== undefined) ledger.checkTale(job, described)
    }
    let looked = 0
    for (const job of ledger.jobs.values()) {
      const { handle, rules } = job
      if (!rules.keepsResults || handle === undefined || job.dead !== 'no' || job.done(ledger.life) === undefined)
        continue
      if (++looked > sampleMax) break
      ledger.checkResult(job, await this.#describe(handle))
    }
    for (const { name, deadMax } of functionRules) {
      const count = dead.filter((job) => job.function === name).length
      if (count > deadMax) return ledger.fail('i', `${name} keeps ${count} dead jobs, and may keep ${deadMax}`)
      const { deleted } = await this.#demand('dead delete', { filter: { function: name } })
      if (deleted !== count) return ledger.fail('i', `of ${count} dead jobs of ${name} ${deleted} are deleted`)
    }
    for (const { handle } of dead) {
      const job = ledger.ofHandle(handle)
      if (job !== undefined) ledger.deleteKept(job)
    }
  }
}
