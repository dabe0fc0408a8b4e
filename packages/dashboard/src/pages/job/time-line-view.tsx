import type { JSX } from 'preact'
import { Since } from '../../parts/time.tsx'
import { brief, duration, exact, relative } from '../../text/times.ts'
import { now } from '../../text/use-now.ts'
import type { Moment } from './time-line.ts'

/** What has become of a job, from its submission on. */
export function TimeLine({ moments }: { readonly moments: readonly Moment[] }): JSX.Element {
  return (
    <ol class="time-line card">
      {moments.map((moment, index) => (
        <MomentView key={`${index} ${moment.title}`} moment={moment} before={moments[index - 1]?.at} />
      ))}
    </ol>
  )
}

function MomentView({ moment, before }: { readonly moment: Moment; readonly before: number | undefined }): JSX.Element {
  const { title, tone, at, isAhead, lay, worker = '', text = '' } = moment
  const isNow = tone === 'active' && title.endsWith('runs')
  const lasted = lay === undefined || at === undefined || before === undefined ? undefined : Math.max(0, at - before)
  return (
    <li class={isAhead === true ? 'moment ahead' : 'moment'}>
      <span class={`moment-dot tone-${tone}`} aria-hidden="true" />
      <div class="moment-what">
        <p class="moment-title">
          {title}
          {lasted === undefined ? null : (
            <span class="moment-lasted muted">
              {lay} {duration(lasted)}
            </span>
          )}
        </p>
        {worker === '' ? null : <p class="muted moment-text">{worker}</p>}
        {text === '' ? null : <p class="moment-text moment-said">{text}</p>}
      </div>
      <div class="moment-when muted">
        {at === undefined ? (
          before === undefined ? null : (
            <>
              for <Since at={before} />
            </>
          )
        ) : isAhead === true ? (
          <time dateTime={new Date(at).toISOString()} title={exact(at)}>
            {brief(at, now.value)}, {relative(at, now.value)}
          </time>
        ) : (
          <>
            <time dateTime={new Date(at).toISOString()} title={exact(at)}>
              {brief(at, now.value)}
            </time>
            {isNow ? (
              <>
                , for <Since at={at} />
              </>
            ) : null}
          </>
        )}
      </div>
    </li>
  )
}
