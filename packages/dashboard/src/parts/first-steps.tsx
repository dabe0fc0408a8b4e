import type { ControlOperations } from '@geartrain/protocol'
import type { JSX } from 'preact'
import { get } from '../api/api.ts'
import { useResource } from '../api/use-resource.ts'
import { serverFlag } from '../text/server-flag.ts'
import { Command } from './command.tsx'
import { Section } from './page.tsx'

/** The server is new: how to have it do something. */
export function FirstSteps(): JSX.Element {
  const { value } = useResource('server', (signal) =>
    get<ControlOperations['server show']['answer']>('server', {}, signal),
  )
  const flag = serverFlag(value?.addresses ?? [], location.hostname)
  return (
    <Section title="The first job">
      <ol class="card first-steps">
        <li>
          <p>No function is known here yet. Start a worker for one, in a terminal:</p>
          <Command text={`geartrain work${flag} reverse -- rev`} />
        </li>
        <li>
          <p>Have a job done, in another one:</p>
          <Command text={`geartrain do${flag} reverse 'Hello World!'`} />
        </li>
        <li>
          <p>
            Or leave one to be done later, whether a worker is there or not. Every Gearman client and worker can do the
            same.
          </p>
          <Command text={`geartrain do${flag} reverse 'Hello World!' --background`} />
        </li>
      </ol>
    </Section>
  )
}
