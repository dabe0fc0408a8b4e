import type { DeadFilter, DeadJob } from '@geartrain/client'
import type { Command } from 'commander'
import type { Answers } from '../ask-servers.ts'
import { type Control, controlAll } from '../control.ts'
import { Progress } from '../progress.ts'

/** So many are asked for, or changed, at once: no answer takes long, and how far it is can be told. */
const pageJobs = 500

/** The dead jobs of a server, the latest first. Those that die meanwhile are not among them. */
export async function* deadPages(
  control: Control,
  filter: DeadFilter,
  jobsMax: number = pageJobs,
): AsyncGenerator<readonly DeadJob[]> {
  let before: string | undefined
  do {
    const page = { limit: Math.min(jobsMax, pageJobs), ...(before === undefined ? {} : { before }) }
    const { jobs, next } = await control('dead', { ...filter, ...page })
    yield jobs
    before = next
  } while (before !== undefined)
}

/**
 * Does something with all dead jobs that the filter lets through, on all servers. `change` gets their handles in
 * chunks, the oldest first, so that those that are tried again are in line as they came.
 */
export async function withDead<Value>(
  command: Command,
  filter: DeadFilter,
  what: string,
  change: (control: Control, chunks: AsyncIterable<readonly string[]>) => Promise<Value>,
): Promise<Answers<Value>> {
  const progress = new Progress()
  let total = 0
  let done = 0
  async function* chunksOf(control: Control): AsyncGenerator<readonly string[]> {
    const handles: string[] = []
    for await (const page of deadPages(control, filter)) {
      for (const { handle } of page) handles.push(handle)
      progress.show('finding dead jobs', handles.length, 0)
    }
    handles.reverse()
    total += handles.length
    for (let from = 0; from < handles.length; from += pageJobs) {
      const chunk = handles.slice(from, from + pageJobs)
      yield chunk
      done += chunk.length
      progress.show(what, done, total)
    }
  }
  try {
    return await controlAll(command, (control) => change(control, chunksOf(control)))
  } finally {
    progress.clear()
  }
}
