import type { JSX } from 'preact'

const width = 80
const height = 20

/** A line without axes, from 0 to its largest value; a gap where nothing is known. */
export function Sparkline(props: { readonly values: readonly (number | null)[]; readonly label: string }): JSX.Element {
  const { values, label } = props
  const most = Math.max(1, ...values.map((value) => value ?? 0))
  const step = width / Math.max(1, values.length - 1)
  let line = ''
  let isDown = false
  for (const [index, value] of values.entries()) {
    if (value !== null)
      line += `${isDown ? 'L' : 'M'}${round(index * step)} ${round(1 + (height - 2) * (1 - value / most))}`
    isDown = value !== null
  }
  return (
    <svg class="sparkline" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label} preserveAspectRatio="none">
      <path d={line} />
    </svg>
  )
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
