import type { Priority } from '@geartrain/engine'
import { formOf } from './command.ts'
import type { Entry } from './line.ts'

/** What a client asked for. */
export interface Submission {
  readonly entry: Entry
  readonly function: string
  readonly unique: string
  /** Submissions with the same one are one job; undefined: a job of its own. */
  readonly key: string | undefined
  readonly workload: string
  readonly reducer: string
  readonly priority: Priority
  readonly background: boolean
  /** Milliseconds since 1970; 0 is now. */
  readonly runAtMs: number
}

/** Undefined if the command is no submission. */
export function readSubmission(entry: Entry): Submission | undefined {
  const { command } = entry
  const form = formOf(command)
  if (command.name === 'TEXT' || form === undefined) return undefined
  const [name = '', unique = '', third = ''] = command.args
  return {
    entry,
    function: name,
    unique,
    key: keyOf(name, unique, command.data),
    workload: command.data,
    reducer: command.name.startsWith('SUBMIT_REDUCE') ? third : '',
    ...form,
    runAtMs: command.name === 'SUBMIT_JOB_EPOCH' ? Number(third) * 1000 : 0,
  }
}

export function keyOf(name: string, unique: string, workload: string): string | undefined {
  if (unique === '') return undefined
  if (unique !== '-') return `${name}\0unique\0${unique}`
  return workload === '' ? undefined : `${name}\0workload\0${workload}`
}
