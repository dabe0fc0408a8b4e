import type { JSX } from 'preact'

const paths = {
  overview: 'M3 3h6v6H3zM11 3h6v4h-6zM11 9h6v8h-6zM3 11h6v6H3z',
  functions: 'M3 5h14M3 10h14M3 15h9',
  jobs: 'M4 4h12v12H4zM7 8h6M7 12h4',
  workers: 'M10 10a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM3.5 17c.6-3.4 3.2-5 6.5-5s5.9 1.6 6.5 5',
  schedules: 'M10 17.500a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15zM10 6v4l3 2',
  failures: 'M10 3 2.5 16.500h15zM10 8v4M10 14.200v.3',
  servers: 'M3 4h14v5H3zM3 11h14v5H3zM6 6.500h.1M6 13.500h.1',
  pause: 'M7 4v12M13 4v12',
  play: 'M6 4l10 6-10 6z',
  close: 'M5 5l10 10M15 5 5 15',
  check: 'M4 10.500l4 4 8-9',
  warning: 'M10 3 2.5 16.500h15zM10 8v4M10 14.200v.3',
  critical: 'M10 17.500a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15zM10 6v5M10 13.700v.3',
  copy: 'M7 7h9v9H7zM4 13V4h9',
  download: 'M10 3v10M6 9l4 4 4-4M4 17h12',
  search: 'M9 15a6 6 0 1 0 0-12 6 6 0 0 0 0 12zM13.5 13.5 17 17',
  more: 'M4.5 10h.1M10 10h.1M15.5 10h.1',
  up: 'M5 12l5-5 5 5',
  down: 'M5 8l5 5 5-5',
  keyboard: 'M2.5 5h15v10h-15zM5.5 8h.1M8.5 8h.1M11.5 8h.1M14.5 8h.1M6 12h8',
} as const

export type IconName = keyof typeof paths

/** A picture beside a text that says the same, and so is not read aloud. */
export function Icon({ name }: { readonly name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  )
}
