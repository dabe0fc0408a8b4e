import type { FunctionPolicy } from '@geartrain/protocol'
import { fits } from '../../session/fits.ts'

/** A setting as it is for a function or pattern. */
export type Setting = FunctionPolicy['settings'][number]

/** What /api/policies answers. */
export interface KnownPolicies {
  /** The functions and patterns that something is set for. */
  readonly policies: readonly { readonly name: string }[]
  readonly settings: readonly SettingKind[]
}

export interface SettingKind {
  readonly key: string
  /** What it can be, to follow "must be". */
  readonly range: string
  readonly default: string
  readonly help: string
}

/** What is to be set, by key; null: what was set is taken back. */
export type Draft = ReadonlyMap<string, string | null>

/** Those that are thought of together. What the server has beside them comes last. */
const groups: readonly (readonly [title: string, keys: readonly string[]])[] = [
  [
    'Attempts',
    [
      'attempts',
      'retry-on',
      'backoff',
      'backoff-first',
      'backoff-factor',
      'backoff-max',
      'backoff-jitter',
      'retry-foreground',
    ],
  ],
  ['Times', ['timeout', 'ttl', 'expire']],
  ['How many at once', ['concurrency', 'group-concurrency', 'group-separator', 'rate', 'rate-burst']],
  ['The queue', ['priority', 'max-queue', 'max-queue-high', 'max-queue-normal', 'max-queue-low']],
  ['Results', ['keep-results', 'unique-for', 'then', 'hide-payloads']],
  ['Dead jobs', ['dead-max', 'dead-for']],
  ['Switches', ['paused', 'draining']],
]
const groupOf = new Map(groups.flatMap(([title, keys]) => keys.map((key) => [key, title] as const)))
const otherGroup = 'Others'

export interface SettingGroup {
  readonly title: string
  readonly settings: readonly Setting[]
}

export function inGroups(settings: readonly Setting[]): SettingGroup[] {
  return [...groups.map(([title]) => title), otherGroup]
    .map((title) => ({ title, settings: settings.filter(({ key }) => (groupOf.get(key) ?? otherGroup) === title) }))
    .filter((group) => group.settings.length > 0)
}

/** The values of a setting that can be one of a few; undefined: it can be others, too. */
export function choicesOf(range: string): string[] | undefined {
  const word = '"[^"]*"'
  if (!new RegExp(`^${word}(, ${word})* or ${word}$`).test(range)) return undefined
  return Array.from(range.matchAll(/"([^"]*)"/g), ([, value = '']) => value)
}

/** It was set at runtime for this very name, and so can be taken back. */
export function isSetHere(setting: Setting, name: string): boolean {
  return setting.source === `set for ${name}`
}

/** The draft with another value of one setting. What it has already is no change. */
export function drafted(draft: Draft, { key, value }: Setting, text: string | null): Draft {
  const next = new Map(draft)
  if (text === value) next.delete(key)
  else next.set(key, text)
  return next
}

export interface SettingChange {
  readonly key: string
  readonly from: string
  readonly to: string
  /** Where the new value comes from. */
  readonly source: string
}

/** What is different, be it the value or only where it comes from. */
export function changesOf(before: readonly Setting[], after: readonly Setting[]): SettingChange[] {
  const old = new Map(before.map((setting) => [setting.key, setting]))
  return after.flatMap(({ key, value, source }) => {
    const was = old.get(key)
    if (was === undefined || (was.value === value && was.source === source)) return []
    return [{ key, from: was.value, to: value, source }]
  })
}

export interface Problems {
  readonly byKey: ReadonlyMap<string, string>
  /** Those that are no one setting's. */
  readonly others: readonly string[]
}

/** What the server says of values that it refuses, by setting: it has a line for each, `mail.*: attempts must be ...`. */
export function problemsOf(message: string, keys: readonly string[]): Problems {
  const byKey = new Map<string, string>()
  const others: string[] = []
  for (const line of message.split('\n')) {
    const [found] = keys
      .map((key) => ({ key, at: line.indexOf(`: ${key} must `) }))
      .filter(({ at }) => at >= 0)
      .sort((one, other) => one.at - other.at)
    if (found === undefined) others.push(line)
    else byKey.set(found.key, [byKey.get(found.key), line.slice(found.at + 2)].filter(Boolean).join('; '))
  }
  return { byKey, others }
}

/** The patterns that fit a name, of those that something is set for and of those one would think of: the longest first. */
export function patternsFor(name: string, known: KnownPolicies | undefined, likely: string | undefined): string[] {
  const set = (known?.policies ?? []).map((each) => each.name)
  const all = new Set([...set, ...(likely === undefined ? [] : [likely]), '*'])
  return [...all]
    .filter((each) => each.includes('*') && each !== name && fits(each, name))
    .sort((one, other) => other.length - one.length)
}
