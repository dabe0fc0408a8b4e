import { canBegin, idleCount } from './demand.ts'
import type { Engine } from './engine.ts'
import { type Flow, isLimited } from './flow.ts'
import type { JobFunction } from './function.ts'
import { type Job, type Priority, priorities } from './job.ts'
import type { Session } from './session.ts'

/**
 * Walks the whole engine and throws at the first thing that does not agree with the rest. For tests and simulation:
 * it costs as much as there are jobs and sessions. After a store has kept what it could not say it had, there may be
 * twins: two jobs of one unique.
 */
export function assertInvariants(engine: Engine, mayHaveTwins = false): void {
  checkJobs(engine, mayHaveTwins)
  checkFunctions(engine)
  checkFlows(engine)
  checkSessions(engine)
  checkDeadlines(engine)
  checkStore(engine)
}

function checkJobs(engine: Engine, mayHaveTwins: boolean): void {
  const inDeadlines = new Set<Job>(engine.deadlines())
  let count = 0
  for (const job of engine.jobs()) {
    count++
    const place = `job ${job.number} (${job.state})`
    assert(job.state !== 'ended', `${place} has ended and is still in the table`)
    assert(engine.findJob(job.number) === job, `${place} is not found by its number`)
    assert((job.state === 'running') === (job.owner !== undefined), `${place}: owner and state differ`)
    const isListed = job.state === 'ready' || job.state === 'running'
    assert((job.list !== undefined) === isListed, `${place} stands in the wrong kind of place`)
    assert(job.index >= 0 === inDeadlines.has(job), `${place}: its deadline index is wrong`)
    if (job.state === 'ready') {
      const isLined = job.list === job.function.ready[job.priority]
      assert(isLined || job.function.flow?.isParked(job) === true, `${place} is not in its function's list`)
      const expiresAt = job.retries === 0 && job.expiresAt > 0 ? job.expiresAt : undefined
      assert(inDeadlines.has(job) === (expiresAt !== undefined), `${place}: it has a deadline, or lacks one`)
      assert(expiresAt === undefined || job.dueAt === expiresAt, `${place} is due at ${job.dueAt}, not at ${expiresAt}`)
      assert(!job.isAbandoned, `${place} waits though nobody wants it`)
    }
    const mayBeBegun = job.state === 'ready' && job.isStored
    assert(!mayBeBegun || engine.durable?.isLapsed !== true, `${place} may be another server's`)
    if (job.state === 'delayed') assert(inDeadlines.has(job), `${place} has no deadline`)
    if (job.owner !== undefined) {
      assert(job.owner.isOpen, `${place} is with a session that is gone`)
      assert(job.list === job.owner.running, `${place} is not in its worker's list`)
    }
    for (const waiter of job.waiters) {
      assert(waiter.job === job && waiter.session.isOpen, `${place} has a waiter that is gone`)
      assert(waiter.list === waiter.session.waiting, `${place} has a waiter that does not wait`)
    }
    if (job.unique !== '' && !(job.unique === '-' && job.workloadLength === 0)) {
      const found = job.function.find(job.unique, job.workload)
      assert(found === job || mayHaveTwins || mayBeHidden(engine, job), `${place} is not found by its unique`)
    }
    checkStored(job, place)
    assert(engine.findFunction(job.function.name) === job.function, `${place} is of a dropped function`)
  }
  assert(count === engine.jobCount, `the table counts ${engine.jobCount} jobs and holds ${count}`)
}

/**
 * A job that has come from the store hides one of the same unique that did not know of it: one that waits for the
 * store's word will join it, and one that the store could not be asked about goes on.
 */
function mayBeHidden(engine: Engine, job: Job): boolean {
  return engine.durable !== undefined && !job.isStored
}

function checkStored(job: Job, place: string): void {
  if (job.state === 'pending') {
    const isWaiting = job.question !== undefined || job.addition !== undefined || job.isStored
    assert(isWaiting, `${place} waits for no answer`)
  } else {
    assert(job.question === undefined, `${place} waits for an answer`)
    assert(job.addition === undefined || job.addition.kind === 'live', `${place} is not yet in the store`)
  }
  if (job.state === 'stored') {
    assert(job.waiters.length > 0, `${place} is here for nobody`)
    assert(job.isStored && job.addition === undefined, `${place} is not in the store`)
    assert(job.workloadLength === 0, `${place} has a workload in memory`)
  }
  if (job.isStored) assert(job.background, `${place} is in the store for its waiters alone`)
}

function checkStore(engine: Engine): void {
  let bytes = 0
  const stored = new Map<string, number>()
  const add = (key: string): unknown => stored.set(key, (stored.get(key) ?? 0) + 1)
  for (const { function: jobFunction, priority, isStored, state, owner, workloadLength } of engine.jobs()) {
    if (!isStored) continue
    bytes += workloadLength
    if (state !== 'stored') add(`${priority} ${jobFunction.name}`)
    if (owner !== undefined) add(`${priority} running ${jobFunction.name}`)
  }
  assert(engine.storedBytes === bytes, `the window counts ${engine.storedBytes} bytes and has ${bytes}`)
  for (const jobFunction of engine.functions()) {
    const { name, backlog, workerCount } = jobFunction
    const { delayed, addingDelayed } = backlog
    assert(delayed >= addingDelayed && addingDelayed >= 0, `${name}: ${delayed} delayed on disk, ${addingDelayed} new`)
    for (const priority of Object.values(priorities)) {
      const here = stored.get(`${priority} ${name}`) ?? 0
      const running = stored.get(`${priority} running ${name}`) ?? 0
      assert(jobFunction.stored[priority] === here, `${name}: count of the store's jobs that are here`)
      assert(jobFunction.runningStored[priority] === running, `${name}: count of the store's jobs that run`)
      const onDisk = backlog.ready[priority]
      const adding = backlog.adding[priority]
      assert(onDisk >= adding && adding >= 0, `${name}: ${onDisk} on disk, ${adding} of them new`)
      const isComing =
        backlog.isClaiming[priority] || engine.isDraining || nextClaimAt(engine) < Number.POSITIVE_INFINITY
      const isNeeded = engine.isShared ? isMissed(engine, jobFunction, priority) : jobFunction.heldCount(priority) === 0
      const isFed = onDisk === 0 || !isNeeded || workerCount === 0 || isComing
      assert(isFed, `${name}: jobs on disk, workers, and nobody fetches them`)
    }
  }
}

/** Others would do the job: it is needed here only if a worker has nothing else to do. */
function isMissed(engine: Engine, jobFunction: JobFunction, priority: Priority): boolean {
  const { ready, backlog } = jobFunction
  if (engine.durable?.isLapsed === true) return false
  if (!canBegin(jobFunction) || idleCount(jobFunction, engine.now) === 0) return false
  const isOther = (other: Priority): boolean =>
    other <= priority && (ready[other].length > 0 || backlog.isClaiming[other])
  // One whose jobs are all parked gets as many more as it may hold.
  return !Object.values(priorities).some(isOther) && (jobFunction.flow?.parkedCount ?? 0) === 0
}

function checkFunctions(engine: Engine): void {
  const workers = new Map<string, number>()
  const running = new Map<string, number>()
  const pending = new Map<string, number>()
  const bridges = new Map<string, number>()
  const bridged = new Map<string, number>()
  const add = (counts: Map<string, number>, { name }: JobFunction): unknown =>
    counts.set(name, (counts.get(name) ?? 0) + 1)
  for (const job of engine.jobs()) {
    if (job.state === 'pending') add(pending, job.function)
  }
  for (const session of engine.sessions()) {
    for (const ability of session.abilities) add(session.isBridge ? bridges : workers, ability.function)
    for (const job of session.running) {
      add(running, job.function)
      if (session.isBridge) add(bridged, job.function)
    }
  }
  const woken = [...engine.woken()]
  for (const jobFunction of engine.functions()) {
    const { name, ready, sleepers } = jobFunction
    assert(jobFunction.readyCount === ready[0].length + ready[1].length + ready[2].length, `${name}: ready count`)
    assert(jobFunction.runningCount === (running.get(name) ?? 0), `${name}: running count`)
    assert(jobFunction.pendingCount === (pending.get(name) ?? 0), `${name}: pending count`)
    assert(jobFunction.workerCount === (workers.get(name) ?? 0), `${name}: worker count`)
    assert(jobFunction.bridgeCount === (bridges.get(name) ?? 0), `${name}: bridge count`)
    assert(jobFunction.bridges.runningCount === (bridged.get(name) ?? 0), `${name}: count of what other servers run`)
    for (const list of ready) {
      let seen = 0
      for (const job of list) {
        seen++
        assert(job.list === list && job.state === 'ready', `${name}: job ${job.number} does not belong in the list`)
      }
      assert(seen === list.length, `${name}: a list's length is wrong`)
    }
    for (const { session } of sleepers) assert(session.isSleeping, `${name}: ${session.id} is listed and awake`)
    const onWay = woken.filter((session) => session.ability(jobFunction) !== undefined)
    const coming = onWay.filter(({ isBridge }) => !isBridge).length
    assert(jobFunction.wokenCount === coming, `${name}: woken count`)
    assert(jobFunction.bridges.wokenCount === onWay.length - coming, `${name}: count of other servers that were woken`)
    // A ready job of a function with sleepers has somebody on the way, with a deadline to come.
    const isServed = jobFunction.availableCount === 0 || sleepers.length === 0 || coming > 0 || engine.isDraining
    assert(isServed, `${name}: a worker sleeps beside a ready job, and none was woken`)
    checkBridges(engine, jobFunction)
  }
}

/** A foreground job that none of the workers here is about to take has another server on the way, if one waits. */
function checkBridges({ isDraining }: Engine, jobFunction: JobFunction): void {
  const { sleepers, wokenCount } = jobFunction.bridges
  const isServed = jobFunction.firstForBridge() === undefined || sleepers.length === 0 || wokenCount > 0 || isDraining
  assert(isServed, `${jobFunction.name}: another server sleeps beside a job that it could do, and none was woken`)
}

/** How the jobs of a function are given out, where that is limited. */
function checkFlows(engine: Engine): void {
  const waiting = new Set(engine.flows())
  const slots = new Map<string, number>()
  for (const job of engine.jobs()) {
    const isAdmitted = job.state === 'running' || (job.state === 'ready' && job.function.flow?.isParked(job) !== true)
    const key = isAdmitted ? job.function.flow?.groupOf(job) : undefined
    if (key !== undefined) slots.set(`${job.function.name} ${key}`, (slots.get(`${job.function.name} ${key}`) ?? 0) + 1)
  }
  for (const flow of waiting) {
    assert(flow.function.flow === flow, `${flow.function.name}: rules that are no more wait for their moment`)
    assert(engine.nextDeadline <= flow.dueAt, `${flow.function.name} goes on before the next deadline`)
  }
  for (const { name, room, runningCount, bridges, flow, policy } of engine.functions()) {
    assert((flow !== undefined) === isLimited(policy), `${name}: its limits are not seen to`)
    if (flow === undefined) {
      assert(room === Number.POSITIVE_INFINITY, `${name} has room for ${room} and no limit`)
      continue
    }
    // Time alone makes room, and then at its moment.
    const actual = flow.room(engine.now)
    assert(flow.policy === policy, `${name} has the limits of another policy`)
    assert(room <= actual, `${name} counts room for ${room}, and has it for ${actual}`)
    const nextAt = room > 0 ? Number.POSITIVE_INFINITY : flow.nextTokenAt(engine.now)
    assert(waiting.has(flow) === flow.index >= 0, `${name}: its index among those that wait is wrong`)
    assert(nextAt === Number.POSITIVE_INFINITY || waiting.has(flow), `${name} waits for a moment that nobody awaits`)
    const isOver = policy.paused || runningCount - bridges.runningCount >= policy.concurrency
    assert(!isOver || room === 0, `${name} gives out more than it may`)
    checkGroups(flow, slots)
  }
}

function checkGroups(flow: Flow, slots: ReadonlyMap<string, number>): void {
  const { name } = flow.function
  const parked = [0, 0, 0]
  for (const [key, group] of flow.groups) {
    const counted = slots.get(`${name} ${key}`) ?? 0
    assert(group.slots === counted, `${name}: group ${key} counts ${group.slots} and has ${counted}`)
    for (const priority of Object.values(priorities)) {
      parked[priority] = (parked[priority] ?? 0) + group.parked[priority].length
      const isFull = group.parked[priority].length === 0 || group.slots >= flow.policy.groupConcurrency
      assert(isFull, `${name}: group ${key} has room beside a job that is parked`)
      for (const job of group.parked[priority]) {
        assert(
          job.state === 'ready' && job.priority === priority,
          `${name}: job ${job.number} is parked in a wrong place`,
        )
      }
    }
  }
  assert(parked.join() === flow.parked.join(), `${name} counts ${flow.parked.join()} parked and has ${parked.join()}`)
}

function checkSessions(engine: Engine): void {
  const grabbing = new Set<Session>(engine.grabbing())
  for (const session of engine.sessions()) {
    const { id, abilities } = session
    assert(session.isOpen, `session ${id} is gone and still listed`)
    for (const ability of abilities) {
      assert(session.ability(ability.function) === ability, `session ${id}: an ability is not found`)
      const { sleepers, grabbers } = ability
      const list = session.isSleeping ? sleepers : grabbing.has(session) ? grabbers : undefined
      assert(ability.list === list, `session ${id}: an ability stands in the wrong list`)
      const isServed = list !== grabbers || ability.offered === undefined || engine.isDraining || session.isBridge
      assert(isServed, `session ${id} grabs beside a ready job`)
    }
    if (session.isHeld) {
      assert(grabbing.has(session), `session ${id} is held and does not grab`)
      assert(session.isServedByStore, `session ${id} is held for nothing`)
    }
    assert(!(session.isSleeping && session.list !== undefined), `session ${id} is asleep, and woken or grabbing`)
    for (const job of session.running) assert(job.owner === session, `session ${id} runs a job it does not have`)
    for (const waiter of session.waiting) {
      assert(waiter.job.waiters.includes(waiter), `session ${id} waits for a job that does not know`)
    }
  }
}

function checkDeadlines(engine: Engine): void {
  let delayed = 0
  for (const job of engine.deadlines()) {
    assert(engine.nextDeadline <= job.dueAt, `job ${job.number} is due before the next deadline`)
    const mayBeDue = job.state === 'delayed' || job.state === 'ready' || job.state === 'running'
    assert(mayBeDue, `job ${job.number} (${job.state}) has a deadline`)
    if (job.state === 'delayed') delayed++
  }
  for (const session of engine.woken()) {
    assert(engine.nextDeadline <= session.wakeDeadline, `session ${session.id} wakes before the next deadline`)
  }
  assert(engine.nextDeadline <= nextClaimAt(engine) || engine.isDraining, 'the store is asked again too late')
  let counted = 0
  for (const jobFunction of engine.functions()) counted += jobFunction.delayedCount
  assert(counted === delayed, `${counted} delayed jobs are counted, ${delayed} wait`)
}

function nextClaimAt({ durable }: Engine): number {
  return durable?.nextClaimAt ?? Number.POSITIVE_INFINITY
}

function assert(holds: boolean, what: string): void {
  if (!holds) throw new Error(`Broken invariant: ${what}`)
}
