import { type Signal, signal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import { brief } from '../text/times.ts'
import { type ChartRow, lastOf, lonelyOnes, measures, type Values } from './history-data.ts'
import { timeLabels } from './time-labels.ts'

interface ChartProps {
  readonly row: ChartRow
  /** In milliseconds. */
  readonly times: readonly number[]
  /** A column for each line, as long as the times. */
  readonly columns: readonly Values[]
  /** Which of the times is pointed at, in any of the charts that stand together. */
  readonly cursor: Signal<number | undefined>
}

const darkness = matchMedia('(prefers-color-scheme: dark)')
const isDark = signal(darkness.matches)
darkness.addEventListener('change', () => {
  isDark.value = darkness.matches
})

/** Lines over time, and their values where it is pointed at; else the last ones. Its height is always the same. */
export function Chart(props: ChartProps): JSX.Element {
  const { row, times, columns, cursor } = props
  const { value: pointedAt } = cursor
  const time = pointedAt === undefined ? undefined : times[pointedAt]
  const { format } = measures[row.measure]
  const isBare = times.length > 0 && columns.every((values) => lastOf(values) === null)
  return (
    <figure class="chart card">
      <figcaption>
        {row.title}
        <span class="chart-time">{time === undefined ? '' : brief(time, times.at(-1) ?? time)}</span>
      </figcaption>
      <dl class="chart-legend">
        {row.lines.map(({ label, colour, isArea }, index) => {
          const values = columns[index] ?? []
          const value = time === undefined ? lastOf(values) : (values[pointedAt ?? -1] ?? null)
          return (
            <div key={label}>
              <dt>
                <span class={isArea === true ? 'swatch area' : 'swatch'} style={{ color: `var(--${colour})` }} />
                {label}
              </dt>
              <dd>{value === null ? '–' : format(value)}</dd>
            </div>
          )
        })}
      </dl>
      {/* What it shows, the table says to who can't see it. */}
      <div class="chart-frame" aria-hidden="true">
        <Plot {...props} />
        {isBare ? <p class="chart-bare muted">Nothing to show in this time</p> : null}
      </div>
    </figure>
  )
}

/** The picture: uPlot, which draws itself. */
function Plot({ row, times, columns, cursor }: ChartProps): JSX.Element {
  const element = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const data = useRef<uPlot.AlignedData>([[]])
  data.current = [times.map((time) => time / 1000), ...columns.map((values) => [...values])]
  const theme = isDark.value

  // Colours are those of the theme: another one makes another picture.
  useEffect(() => {
    const { current } = element
    if (current === null) return
    const size = () => ({ width: current.clientWidth, height: current.clientHeight })
    const made = new uPlot({ ...size(), ...optionsOf(row, current, cursor) }, data.current, current)
    plot.current = made
    const observer = new ResizeObserver(() => made.setSize(size()))
    observer.observe(current)
    return () => {
      observer.disconnect()
      made.destroy()
      plot.current = undefined
    }
  }, [row, cursor, theme])

  useEffect(() => plot.current?.setData(data.current), [times, columns])

  return <div ref={element} class="chart-plot" />
}

/** Charts that stand together show the same moment. */
const syncKey = 'history'

function optionsOf(
  { lines, measure }: ChartRow,
  element: HTMLElement,
  cursor: Signal<number | undefined>,
): Omit<uPlot.Options, 'width' | 'height'> {
  const { format, increments } = measures[measure]
  const text = colourOf(element, 'var(--text-muted)')
  const grid = { stroke: colourOf(element, 'var(--line)'), width: 1 }
  const axis = { stroke: text, font: `11px ${getComputedStyle(element).fontFamily}`, grid, ticks: { show: false } }
  return {
    padding: [8, 18, 0, 0],
    legend: { show: false },
    select: { show: false, left: 0, top: 0, width: 0, height: 0 },
    cursor: { y: false, drag: { x: false, y: false }, sync: { key: syncKey } },
    scales: { y: { range: (_, _least, most) => [0, most > 0 ? most * 1.1 : 1] } },
    axes: [
      { ...axis, size: 22, gap: 7, space: 56, values: (_, splits) => timeLabels(splits) },
      {
        ...axis,
        size: 56,
        gap: 4,
        space: 28,
        values: (_, splits) => splits.map(format),
        ...(increments === undefined ? {} : { incrs: [...increments] }),
      },
    ],
    series: [
      {},
      ...lines.map(({ colour, isArea }): uPlot.Series => {
        const stroke = colourOf(element, `var(--${colour})`)
        const fill = colourOf(element, `color-mix(in srgb, var(--${colour}) 14%, transparent)`)
        return {
          stroke,
          width: 1.5,
          ...(isArea === true ? { fill } : {}),
          points: {
            show: false,
            size: 4,
            fill: stroke,
            filter: (self, index) => {
              // uPlot gives the column back as it got it: an array of numbers and nulls.
              const alone = lonelyOnes(self.data[index] as Values)
              return alone.length === 0 ? null : alone
            },
          },
        }
      }),
    ],
    hooks: {
      setCursor: [
        ({ cursor: { idx } }) => {
          cursor.value = idx ?? undefined
        },
      ],
    },
  }
}

/** What a colour of the style sheet is in the theme that holds where the element stands. */
function colourOf(element: HTMLElement, colour: string): string {
  const { style } = element
  style.color = colour
  const { color } = getComputedStyle(element)
  style.color = ''
  return color
}
