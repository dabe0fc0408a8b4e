import type { StoreAnswer, StoreRequest } from '../store.ts'
import { describe, describeUnique } from './descriptions.ts'
import { listExpired } from './expiries.ts'
import { toFailure } from './failure.ts'
import { HistorySteps } from './history-steps.ts'
import type { Link } from './link.ts'
import { countDead, find, list, oldestReady } from './look-ups.ts'
import { count, groupDead, listFunction, scan } from './scans.ts'
import type { Members } from './summaries.ts'

type Request = Exclude<StoreRequest, { kind: 'claim' }>

/** Answers what changes nothing. Each statement is one of its own: one that fails leaves the others as they are. */
export class Requests {
  readonly #history = new HistorySteps()

  /** Never rejects. `serverId`: who asks. Several can be asked at once, and take one journey. */
  async answer(link: Link, ended: readonly number[], request: Request, serverId: number): Promise<StoreAnswer> {
    try {
      return await this.#answer(link, { serverId, ended }, request)
    } catch (error) {
      return { kind: 'failed', failure: toFailure(error) }
    }
  }

  async #answer(link: Link, members: Members, request: Request): Promise<StoreAnswer> {
    switch (request.kind) {
      case 'find':
      case 'find unique':
      case 'find same':
        return { kind: 'find', job: await find(link, members, request) }
      case 'list':
        return { kind: 'list', jobs: await list(link, request.after, request.jobsMax) }
      case 'list function':
        return { kind: 'list', jobs: await listFunction(link, members, request) }
      case 'list expired':
        return listExpired(link, members, request)
      case 'count dead':
        return { kind: 'count dead', functions: await countDead(link) }
      case 'describe':
        return { kind: 'describe', job: await describe(link, members, request.number) }
      case 'describe unique':
        return { kind: 'describe', job: await describeUnique(link, members, request) }
      case 'oldest ready':
        return { kind: 'oldest ready', readyAt: await oldestReady(link, members, request.functions) }
      case 'scan':
        return scan(link, members, request)
      case 'count':
        return count(link, request)
      case 'group dead':
        return groupDead(link, request)
      case 'history': {
        const { stepMs, from, functions } = request
        return { kind: 'history', slices: await this.#history.read(link, stepMs, from, functions) }
      }
    }
  }
}
