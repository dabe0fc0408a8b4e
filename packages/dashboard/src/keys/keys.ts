import { signal } from '@preact/signals'

/** What keys do, where nobody types. */
export const keyHelp: readonly (readonly [string, string])[] = [
  ['/', 'filter'],
  ['j  k', 'next and previous row'],
  ['Enter', 'open the row'],
  ['x', 'select the row'],
  ['p', 'pause, or go on'],
  ['g o', 'overview'],
  ['g f', 'functions'],
  ['g j', 'jobs'],
  ['g w', 'workers'],
  ['g s', 'schedules'],
  ['g d', 'dead jobs: failures'],
  ['g h', 'hosts: servers'],
  ['?', 'this help'],
]

/** Those of them that there are where other servers are all that is shown. */
export const monitorKeys: ReadonlySet<string> = new Set(['/', 'j  k', 'Enter', 'p', '?'])

export const isHelpOpen = signal(false)

/** What follows `g`, by key. */
export interface KeyActions {
  readonly places: Readonly<Record<string, string>>
  readonly goTo: (place: string) => void
  readonly togglePause: () => void
}

const prefixMs = 1500

/** Listens to keys on the page. Gives the way to stop. */
export function listenToKeys({ places, goTo, togglePause }: KeyActions): () => void {
  let prefixAt = Number.NEGATIVE_INFINITY
  const press = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || isDialogOpen()) return
    const { key } = event
    const place = event.timeStamp - prefixAt < prefixMs ? places[key] : undefined
    prefixAt = Number.NEGATIVE_INFINITY
    if (place !== undefined) goTo(place)
    else if (key === 'g') prefixAt = event.timeStamp
    else if (key === '/') focusFilter()
    else if (key === 'j') moveRow(1)
    else if (key === 'k') moveRow(-1)
    else if (key === 'x') selectRow()
    else if (key === 'Enter' && event.target instanceof HTMLTableRowElement) openRow(event.target)
    else if (key === 'p') togglePause()
    else if (key === '?') isHelpOpen.value = true
    else return
    event.preventDefault()
  }
  document.addEventListener('keydown', press)
  return () => document.removeEventListener('keydown', press)
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && target.matches('input:not([type=checkbox]), textarea, select, [contenteditable]')
  )
}

function isDialogOpen(): boolean {
  return document.querySelector('dialog[open]') !== null
}

function focusFilter(): void {
  document.querySelector<HTMLElement>('[data-filter]')?.focus()
}

function rows(): HTMLElement[] {
  return Array.from(document.querySelectorAll<HTMLElement>('[data-row]'))
}

function moveRow(by: 1 | -1): void {
  const all = rows()
  const at = all.findIndex((row) => row.contains(document.activeElement))
  const next = at < 0 ? (by === 1 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))
  all[next]?.focus()
  all[next]?.scrollIntoView({ block: 'nearest' })
}

function selectRow(): void {
  const row = rows().find((each) => each.contains(document.activeElement))
  row?.querySelector<HTMLInputElement>('input[type=checkbox]')?.click()
}

function openRow(row: HTMLElement): void {
  row.querySelector<HTMLAnchorElement>('a')?.click()
}
