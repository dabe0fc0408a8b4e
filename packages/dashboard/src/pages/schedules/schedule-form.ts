import type { Bytes, ScheduleDefinition, ScheduleState } from '@geartrain/protocol'

export type TimingKind = 'cron' | 'every' | 'at'
export const timingKinds: readonly TimingKind[] = ['cron', 'every', 'at']

/** What stands in the fields of the form. */
export interface ScheduleForm {
  readonly name: string
  readonly function: string
  readonly workload: string
  /** In the place of a workload that is no text, and stays as it is. */
  readonly base64: string | undefined
  readonly kind: TimingKind
  readonly cron: string
  readonly every: string
  readonly at: string
  readonly timezone: string
  readonly missed: NonNullable<ScheduleDefinition['missed']>
  readonly overlap: boolean
  readonly priority: NonNullable<ScheduleDefinition['priority']>
  readonly unique: string
  readonly then: string
  readonly paused: boolean
}

export type FormField = Exclude<keyof ScheduleForm, 'base64' | 'kind'>

export type ChangeForm = (changed: Partial<ScheduleForm>) => void

/** Why the form could not be sent. */
export interface FormProblem {
  /** Undefined: it is not about one. */
  readonly field: FormField | undefined
  readonly message: string
}

export const emptyForm: ScheduleForm = {
  name: '',
  function: '',
  workload: '',
  base64: undefined,
  kind: 'cron',
  cron: '',
  every: '',
  at: '',
  timezone: 'UTC',
  missed: 'skip',
  overlap: true,
  priority: 'normal',
  unique: '',
  then: '',
  paused: false,
}

export function formOf(schedule: ScheduleState): ScheduleForm {
  const { name, function: functionName, workload, cron, every, at, paused } = schedule
  return {
    ...emptyForm,
    name,
    function: functionName,
    workload: workload !== undefined && 'text' in workload ? workload.text : '',
    base64: workload !== undefined && 'base64' in workload ? workload.base64 : undefined,
    kind: kindOf(schedule),
    cron: cron ?? '',
    every: every ?? '',
    at: at ?? '',
    timezone: schedule.timezone ?? 'UTC',
    missed: schedule.missed ?? emptyForm.missed,
    overlap: schedule.overlap ?? emptyForm.overlap,
    priority: schedule.priority ?? emptyForm.priority,
    unique: schedule.unique ?? '',
    then: schedule.then ?? '',
    paused,
  }
}

/** As /api/schedules/{name} takes it. What is not filled in is left out. */
export function definitionOf(form: ScheduleForm): Omit<ScheduleDefinition, 'name'> {
  const { function: functionName, missed, overlap, priority, unique, then, paused } = form
  const workload = workloadOf(form)
  return {
    function: functionName,
    ...(workload === undefined ? {} : { workload }),
    ...timingOf(form),
    missed,
    overlap,
    priority,
    ...(unique === '' ? {} : { unique }),
    ...(then === '' ? {} : { then }),
    paused,
  }
}

export type Timing = Pick<ScheduleDefinition, TimingKind | 'timezone'>

/** As /api/schedules/preview takes it. */
export function timingOf(form: ScheduleForm): Timing {
  const timezone = form.timezone.trim()
  return { [form.kind]: form[form.kind].trim(), ...(timezone === '' ? {} : { timezone }) }
}

function workloadOf({ workload, base64 }: ScheduleForm): Bytes | undefined {
  if (base64 !== undefined) return { base64 }
  return workload === '' ? undefined : { text: workload }
}

function kindOf(schedule: ScheduleDefinition): TimingKind {
  return timingKinds.find((kind) => schedule[kind] !== undefined) ?? 'cron'
}

/** How many bytes they are that are written so. */
export function base64Bytes(base64: string): number {
  return (base64.replace(/=+$/, '').length * 3) >> 2
}

/** `0 3 * * *`, `every 90s`, `once, 2027-01-01T00:00:00Z`. */
export function timingText(schedule: ScheduleDefinition): string {
  const { cron, every, at } = schedule
  if (cron !== undefined) return cron
  return every === undefined ? `once, ${at ?? ''}` : `every ${every}`
}

/** The time zone, where it says something. */
export function timezoneOf({ every, timezone = 'UTC' }: ScheduleDefinition): string | undefined {
  return every === undefined ? timezone : undefined
}

const fieldNames = [
  'name',
  'function',
  'workload',
  'cron',
  'every',
  'at',
  'timezone',
  'missed',
  'overlap',
  'priority',
  'unique',
  'then',
  'paused',
] as const satisfies readonly FormField[]

/** The field that the server's sentence is about, which begins with its name: `cron must be ...`, `"then" in the body: ...`. */
export function fieldOf(message: string): FormField | undefined {
  const [, word] = /^"?(\w+)/.exec(message) ?? []
  return fieldNames.find((field) => field === word)
}
