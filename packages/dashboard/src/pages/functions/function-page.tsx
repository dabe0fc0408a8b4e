import type { FunctionPolicy, LiveFunction } from '@geartrain/protocol'
import { computed } from '@preact/signals'
import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { get, path } from '../../api/api.ts'
import { useResource } from '../../api/use-resource.ts'
import { useServerFlag } from '../../api/use-server-flag.ts'
import { HistoryCharts } from '../../charts/history-charts.tsx'
import { pages } from '../../links.ts'
import { live } from '../../live/live.ts'
import { Command } from '../../parts/command.tsx'
import { Empty, Loading } from '../../parts/notice.tsx'
import { Page } from '../../parts/page.tsx'
import { useQuery } from '../../parts/use-query.ts'
import { fits } from '../../session/fits.ts'
import { nameWord } from '../../text/shell.ts'
import { FunctionActions } from './function-actions.tsx'
import { FunctionErrors } from './function-errors.tsx'
import { FunctionFigures } from './function-figures.tsx'
import { FunctionFindings } from './function-findings.tsx'
import { FunctionJobs } from './function-jobs.tsx'
import { type FunctionRow, isPattern, sumOf } from './function-rows.ts'
import { FunctionWorkers } from './function-workers.tsx'
import { FunctionsThatFit } from './functions-that-fit.tsx'
import { States } from './name-cell.tsx'
import { PolicySection } from './policy-section.tsx'

export function FunctionPage(): JSX.Element {
  const [name] = useQuery('name')
  if (name !== '') return <OneFunction key={name} name={name} />
  return (
    <Page title="Function">
      <Empty title="The address names no function">
        <Link href={pages.functions}>To all functions</Link>
      </Empty>
    </Page>
  )
}

/** Of a function, or of all that a pattern fits. */
function OneFunction({ name }: { readonly name: string }): JSX.Element {
  const row = useRow(name)
  const policy = useResource(name, (stop) => get<FunctionPolicy>(path`functions/${name}`, {}, stop), {
    isChangedBy: (change) => change.kind === 'policy' && fits(change.name, name),
  })
  return (
    <Page
      title={name}
      heading={<Heading name={name} row={row} />}
      actions={<FunctionActions name={name} row={row} policy={policy.value} onChanged={policy.reload} />}
    >
      {/* All at once: what comes later would push away what is read already. */}
      {live.isKnown.value ? (
        <>
          {row === undefined ? <Unknown name={name} /> : <Parts name={name} row={row} />}
          <PolicySection name={name} policy={policy} />
        </>
      ) : (
        <Loading />
      )}
    </Page>
  )
}

function Parts({ name, row }: { readonly name: string; readonly row: FunctionRow }): JSX.Element {
  return (
    <>
      <FunctionFindings row={row} />
      <FunctionFigures row={row} />
      {isPattern(name) ? <FunctionsThatFit row={row} /> : <HistoryCharts functionName={name} />}
      <FunctionErrors name={name} dead={row.dead} />
      <FunctionJobs row={row} />
      <FunctionWorkers row={row} />
    </>
  )
}

/** It changes only when the function does, or one of those that the pattern fits. Undefined: nobody knows it. */
function useRow(name: string): FunctionRow | undefined {
  const row = useMemo(() => {
    let before: FunctionRow | undefined
    return computed(() => {
      const functions = live.functions.value
      if (!isPattern(name)) return functions.get(name)
      const members = Array.from(functions.values()).filter((each) => fits(name, each.name))
      if (!live.isKnown.value) return undefined
      if (before === undefined || !areSame(members, before.members ?? [])) before = sumOf(name, members)
      return before
    })
  }, [name])
  return row.value
}

function areSame(some: readonly LiveFunction[], others: readonly LiveFunction[]): boolean {
  return some.length === others.length && some.every((each, index) => each === others[index])
}

function Heading({ name, row }: { readonly name: string; readonly row: FunctionRow | undefined }): JSX.Element {
  return (
    <span class="function-heading">
      {name}
      {row === undefined ? null : <States row={row} />}
    </span>
  )
}

function Unknown({ name }: { readonly name: string }): JSX.Element {
  const flag = useServerFlag()
  return (
    <Empty title="Nobody has used this function yet, or you may not see it">
      <p>It is there as soon as a worker can do it, or someone submits a job of it:</p>
      <Command text={`geartrain work${flag} ${nameWord(name)} -- cat`} />
      <Command text={`geartrain do${flag} --background ${nameWord(name)} hello`} />
      <p>
        Its policy can be set before that. <Link href={pages.functions}>To all functions</Link>
      </p>
    </Empty>
  )
}
