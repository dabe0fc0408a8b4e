import type { JSX } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { Section } from '../../parts/page.tsx'
import { payloadBytes } from '../../payload/bytes.ts'
import { hexBytes } from '../../payload/hex.ts'
import { count, counted, bytes as sizeText } from '../../text/numbers.ts'
import { brief, exact } from '../../text/times.ts'
import { type Chunk, isEnded, type Told, type ToldBytes } from './told.ts'

/** How far from the end is still at the end. */
const nearEndPixels = 24
const hexShown = 64

/** How far a job is, and what its worker sends while it runs. */
export function Output({ told }: { readonly told: Told }): JSX.Element | null {
  const { job, chunks, chunkCount } = told
  const isRunning = job.state === 'running'
  const { numerator = 0, denominator = 0 } = job
  if (!isRunning && chunkCount === 0 && denominator === 0) return null
  return (
    <Section title="Progress and data">
      <div class="card output">
        {denominator > 0 ? (
          <Progress numerator={numerator} denominator={denominator} />
        ) : (
          <p class="muted">
            {isEnded(job) ? 'Its worker has told no progress.' : 'Its worker has told no progress yet.'}
          </p>
        )}
        {chunkCount > 0 ? (
          <Chunks chunks={chunks} chunkCount={chunkCount} />
        ) : (
          <p class="muted">
            {isRunning
              ? 'Data and warnings appear here as they come, from now on.'
              : 'No data came while this page was open.'}
          </p>
        )}
      </div>
    </Section>
  )
}

function Progress({
  numerator,
  denominator,
}: {
  readonly numerator: number
  readonly denominator: number
}): JSX.Element {
  const percent = Math.floor((100 * numerator) / denominator)
  return (
    <div class="job-progress">
      <progress value={Math.min(numerator, denominator)} max={denominator} aria-label="Progress" />
      <span>
        {count(numerator)} of {count(denominator)} ({percent} %)
      </span>
    </div>
  )
}

/** It follows the end, unless somebody has scrolled away from there. */
function Chunks({
  chunks,
  chunkCount,
}: {
  readonly chunks: readonly Chunk[]
  readonly chunkCount: number
}): JSX.Element {
  const frame = useRef<HTMLDivElement>(null)
  const isAtEnd = useRef(true)
  useLayoutEffect(() => {
    const { current } = frame
    if (current !== null && isAtEnd.current) current.scrollTop = current.scrollHeight
  }, [chunkCount])
  const watchEnd = ({ currentTarget: { scrollTop, scrollHeight, clientHeight } }: { currentTarget: HTMLElement }) => {
    isAtEnd.current = scrollHeight - scrollTop - clientHeight < nearEndPixels
  }
  const dropped = chunkCount - chunks.length
  return (
    <>
      {dropped === 0 ? null : <p class="muted">{counted(dropped, 'earlier piece')} left out: the latest are shown.</p>}
      <div ref={frame} class="chunks" role="log" aria-label="Data" tabIndex={0} onScroll={watchEnd}>
        {chunks.map(({ id, kind, at, data }) => (
          <div key={id} class={`chunk ${kind}`}>
            <time class="muted" dateTime={new Date(at).toISOString()} title={exact(at)}>
              {brief(at, at)}
            </time>
            {kind === 'warning' ? <span class="badge tone-warn">warning</span> : null}
            <pre>{chunkText(data)}</pre>
          </div>
        ))}
      </div>
    </>
  )
}

function chunkText(data: ToldBytes): string {
  if ('text' in data) return data.text.replace(/\r?\n$/, '')
  if ('bytes' in data) return `(${sizeText(data.bytes)}, not shown: it is long, or the policy hides payloads)`
  const bytes = payloadBytes(data)
  return `${hexBytes(bytes.subarray(0, hexShown))}${bytes.length > hexShown ? ' …' : ''} (${counted(bytes.length, 'byte')}, no text)`
}
