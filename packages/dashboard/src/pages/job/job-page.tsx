import type { FunctionPolicy } from '@geartrain/protocol'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { get, path } from '../../api/api.ts'
import { useResource } from '../../api/use-resource.ts'
import { print } from '../../filter/filter.ts'
import { functionLink, jobsLink } from '../../links.ts'
import { Badge } from '../../parts/badge.tsx'
import { Loading } from '../../parts/notice.tsx'
import { Page, Section } from '../../parts/page.tsx'
import { useQuery } from '../../parts/use-query.ts'
import { Again } from './again.tsx'
import { Facts } from './facts.tsx'
import { Failures } from './failures.tsx'
import { Gone, NoHandle } from './gone.tsx'
import { JobActions } from './job-actions.tsx'
import type { JobFeed } from './job-feed.ts'
import { Output } from './output.tsx'
import { PayloadPanel } from './payload-panel.tsx'
import { stateOf, timeLine } from './time-line.ts'
import { TimeLine } from './time-line-view.tsx'
import { isEnded, type Told } from './told.ts'
import { useJob } from './use-job.ts'
import { useResult, useWorkload } from './use-payloads.ts'

export function JobPage(): JSX.Element {
  const [handle] = useQuery('handle')
  return handle === '' ? <NoHandle /> : <OneJob key={handle} handle={handle} />
}

function OneJob({ handle }: { readonly handle: string }): JSX.Element {
  const feed = useJob(handle)
  const told = feed.told.value
  const error = feed.error.value
  if (told !== undefined) return <Job told={told} feed={feed} />
  if (error !== undefined) return <Gone handle={handle} error={error} />
  return (
    <Page title={`Job ${handle}`}>
      <Loading />
    </Page>
  )
}

function Job({ told, feed }: { readonly told: Told; readonly feed: JobFeed }): JSX.Element {
  const { job, isGone } = told
  const [turn, setTurn] = useState(0)
  const workload = useWorkload(told, turn)
  const result = useResult(told)
  const policy = useResource(job.function, (signal) =>
    get<FunctionPolicy>(path`functions/${job.function}`, undefined, signal),
  )
  const { state, text } = stateOf(told)
  const changed = () => {
    setTurn(turn + 1)
    feed.restart()
  }
  return (
    <Page
      title={`Job ${job.handle}`}
      heading={
        <span class="job-heading">
          <span class="mono">{job.handle}</span> <Badge state={state}>{text}</Badge>
        </span>
      }
      actions={<JobActions told={told} workload={workload} onChanged={changed} />}
    >
      <p class="job-function">
        <Link href={functionLink(job.function)}>{job.function}</Link>
        <Link href={jobsLink(print({ function: job.function }))} class="muted">
          its other jobs
        </Link>
      </p>
      {isGone === true ? <GoneNote told={told} /> : null}
      <div class="job-columns">
        <div class="job-column">
          <Section title="Time line">
            <TimeLine moments={timeLine(told)} />
          </Section>
          <Output told={told} />
          <Failures job={job} />
          {result === undefined ? null : (
            <PayloadPanel
              title={job.state === 'exception' ? 'Exception' : 'Result'}
              name="result"
              source={result}
              fileName={`${fileName(job.handle)}.result`}
            />
          )}
          <PayloadPanel title="Payload" name="payload" source={workload} fileName={`${fileName(job.handle)}.payload`} />
          <Again job={job} workload={workload} />
        </div>
        <div class="job-column">
          <Facts told={told} attemptsMax={policy.value?.settings.find(({ key }) => key === 'attempts')?.value} />
        </div>
      </div>
    </Page>
  )
}

function GoneNote({ told: { job } }: { readonly told: Told }): JSX.Element {
  return (
    <p class="banner tone-warn" role="status">
      The server knows this job no longer{isEnded(job) ? ': what is shown was seen while it was there.' : '.'}
      {isEnded(job) ? '' : ' It has ended while nobody watched, and its result is not kept.'}
      {job.state === 'dead' ? ' If it was retried, a server without a store has given it another handle.' : ''}
    </p>
  )
}

function fileName(handle: string): string {
  return handle.replaceAll(/[^\w.-]+/g, '-')
}
