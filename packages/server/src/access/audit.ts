import type { Log } from '../log.ts'
import type { Actor } from './actor.ts'

/** A line of the log for each administrative act: who did what, to what, and what came of it. */
export type Audit = (act: {
  /** As CONTROL names it, or the text command. */
  readonly operation: string
  readonly actor: Actor
  /** What it was about, by parameter. */
  readonly subject: Readonly<Record<string, unknown>>
  /** `done`, or the code of the error. */
  readonly outcome: string
}) => void

export function auditTo(log: Log): Audit {
  return ({ operation, actor: { name, address }, subject, outcome }) => {
    log.info({ audit: true, operation, actor: name, address, ...subject, outcome }, `audit: ${operation}: ${outcome}`)
  }
}

/** Handles that are written one by one. */
const handlesShown = 10
/** Of a text that someone gave. */
const charactersMax = 512

/** Of the parameters of an operation those that say what it is about, and how it is to be; never a payload. */
export function subjectOf(params: object): Readonly<Record<string, unknown>> {
  const subject: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(params)) {
    if (key === 'handles' && Array.isArray(value) && value.length > handlesShown) subject['handleCount'] = value.length
    else if (shownKeys.has(key) && value !== undefined) subject[key] = shorten(value)
  }
  return subject
}

const shownKeys: ReadonlySet<string> = new Set([
  'name',
  'function',
  'handle',
  'handles',
  'unique',
  'filter',
  'values',
  'action',
  'priority',
  'then',
  'cron',
  'every',
  'at',
  'timezone',
  'id',
  'dryRun',
])

function shorten(value: unknown): unknown {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  if (text.length <= charactersMax) return value
  return `${text.slice(0, charactersMax)}... (${text.length} characters)`
}
