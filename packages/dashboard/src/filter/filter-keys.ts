import type { DeathReasonName, JobStateName, PriorityName } from '@geartrain/protocol'

/** Which jobs: all that is asked must be so. */
export interface Filter {
  /** A name, or a pattern such as `mail.*`. */
  readonly function?: string
  readonly state?: JobStateName
  readonly priority?: PriorityName
  readonly unique?: string
  /** This job alone, whatever else is asked. */
  readonly handle?: string
  /** A part of the client id and address of the worker that has it. */
  readonly worker?: string
  /** A part of its last error. */
  readonly error?: string
  /** A time with its unit: `5m`. */
  readonly olderThan?: string
  readonly youngerThan?: string
  readonly reason?: DeathReasonName
  /** The message of its group among the dead; empty: the worker has said nothing. */
  readonly message?: string
}

/** What stands before a colon. A new one is a row here, and a member of Filter. */
export interface FilterKey {
  /** In a line, for who chooses one. */
  readonly help: string
  /** All that it can be, or some of it, each with a line if that says more. */
  readonly values?: readonly (readonly [value: string, help: string])[]
  /** It has a value also if that is empty. */
  readonly mayBeEmpty?: boolean
  /** The part of a filter, or why there is none and what to do: a sentence. */
  read(value: string): Filter | string
  /** As `read` takes them. */
  write(filter: Filter): readonly (string | undefined)[]
}

export const states: readonly (readonly [state: JobStateName, help: string])[] = [
  ['ready', 'waits for a worker'],
  ['delayed', 'waits for its time'],
  ['running', 'a worker has it'],
  ['dead', 'has failed for good'],
  ['complete', 'is done, and its result is kept'],
  ['failed', 'has failed, and that is kept'],
  ['exception', 'has failed with an exception, which is kept'],
]
/** The first are begun before others. */
export const priorities: readonly PriorityName[] = ['high', 'normal', 'low']
const priorityRows = priorities.map((priority) => [priority, ''] as const)
const reasons: readonly (readonly [reason: DeathReasonName, help: string])[] = [
  ['failed', 'the worker said so'],
  ['exception', 'the worker said why'],
  ['timeout', 'took too long'],
  ['lost', 'its worker was gone'],
  ['expired', 'waited too long'],
]
const ages: readonly (readonly [age: string, help: string])[] = [
  ['>5m', 'submitted more than 5 minutes ago'],
  ['>1h', 'more than an hour ago'],
  ['>1d', 'more than a day ago'],
  ['<5m', 'less than 5 minutes ago'],
  ['<1h', 'less than an hour ago'],
]

export const filterKeys: Readonly<Record<string, FilterKey>> = {
  function: {
    help: 'name, or a pattern: function:mail.*',
    read: readFunction,
    write: (filter) => [filter.function],
  },
  state: {
    help: 'where it stands: state:dead',
    values: states,
    read: (value) => choice('state', states, value, (state) => ({ state })),
    write: ({ state }) => [state],
  },
  priority: {
    help: 'its line: priority:high',
    values: priorityRows,
    read: (value) => choice('priority', priorityRows, value, (priority) => ({ priority })),
    write: ({ priority }) => [priority],
  },
  unique: {
    help: 'its unique, whole: unique:order-17',
    read: (value) => bytesOf(value, 64, 'A unique') ?? { unique: value },
    write: ({ unique }) => [unique],
  },
  handle: {
    help: 'opens the job: handle:H:web1:1764201600000001',
    read: (value) => bytesOf(value, 512, 'A handle') ?? { handle: value },
    write: ({ handle }) => [handle],
  },
  worker: {
    help: 'part of client id or address of who does it: worker:10.0.0.7',
    read: (value) => part(value, (worker) => ({ worker })),
    // What begins with one has two, since one more or less is the same.
    write: ({ worker }) => [worker?.startsWith('~') === true ? `~${worker}` : worker],
  },
  error: {
    help: 'part of its last error: error:~timeout',
    read: (value) => part(value, (error) => ({ error })),
    write: ({ error }) => [error === undefined ? undefined : `~${error}`],
  },
  age: {
    help: 'since it was submitted: age:>5m, age:<1h',
    values: ages,
    read: readAge,
    write: ({ olderThan, youngerThan }) => [
      olderThan === undefined ? undefined : `>${olderThan}`,
      youngerThan === undefined ? undefined : `<${youngerThan}`,
    ],
  },
  reason: {
    help: 'why it is dead: reason:timeout',
    values: reasons,
    read: (value) => choice('reason', reasons, value, (reason) => ({ reason })),
    write: ({ reason }) => [reason],
  },
  message: {
    help: 'its group among the failures: message:"could not connect to #"',
    mayBeEmpty: true,
    read: (value) => (value.length > textMax ? tooLong : { message: value }),
    write: ({ message }) => [message],
  },
}

export function readFunction(value: string): Filter | string {
  return bytesOf(value, 512, 'A name of a function') ?? { function: value }
}

/** What the server takes. */
const textMax = 1000
const ageMsMax = 100 * 366 * 86_400_000
const tooLong = `That is too long: at most ${textMax} characters are looked for.`

function choice<Word extends string>(
  what: string,
  rows: readonly (readonly [Word, string])[],
  value: string,
  make: (word: Word) => Filter,
): Filter | string {
  const wanted = value.toLowerCase()
  const row = rows.find(([word]) => word === wanted)
  return row === undefined
    ? `There is no such ${what}; there are ${rows.map(([word]) => word).join(', ')}.`
    : make(row[0])
}

/** `~` says that it is a part, which it is in any case. */
function part(value: string, make: (text: string) => Filter): Filter | string {
  const text = value.startsWith('~') ? value.slice(1) : value
  if (text === '') return 'There is nothing to look for: write it behind the ~.'
  return text.length > textMax ? tooLong : make(text)
}

/** What is too long. Bytes that are no text come as characters for private use, one for each. */
function bytesOf(value: string, bytesMax: number, what: string): string | undefined {
  const bytes = new TextEncoder().encode(value.replaceAll(/[\uf780-\uf7ff]/g, '?')).length
  return bytes > bytesMax ? `${what} has at most ${bytesMax} bytes; this has ${bytes}.` : undefined
}

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

function readAge(value: string): Filter | string {
  const [, sign, digits, unit = ''] = /^([<>])=?(\d+)(ms|s|m|h|d)$/i.exec(value) ?? []
  const small = unit.toLowerCase()
  if (sign === undefined || !isUnit(small)) {
    return 'An age is a sign, a number and a unit of ms, s, m, h or d: age:>5m is older, age:<1h younger.'
  }
  const count = Number(digits)
  if (count * unitMs[small] > ageMsMax) return 'That is too long ago: at most a hundred years are.'
  return sign === '>' ? { olderThan: `${count}${small}` } : { youngerThan: `${count}${small}` }
}

function isUnit(text: string): text is keyof typeof unitMs {
  return Object.hasOwn(unitMs, text)
}
