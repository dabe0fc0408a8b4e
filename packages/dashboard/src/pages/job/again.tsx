import type { JSX } from 'preact'
import { Command } from '../../parts/command.tsx'
import { Section } from '../../parts/page.tsx'
import { textOf } from '../../payload/bytes.ts'
import { about } from '../../session/session.ts'
import { curlCommand, doCommand, lineOf, payloadFile } from './commands.ts'
import type { JobSnapshot } from './told.ts'
import type { Source } from './use-payloads.ts'

/** What to type for the same job once more. */
export function Again({ job, workload }: { readonly job: JobSnapshot; readonly workload: Source }): JSX.Element {
  const line = workload.kind === 'bytes' && workload.known.isWhole ? lineOf(textOf(workload.known.bytes)) : undefined
  const command = doCommand(job, line)
  const curl = curlCommand(job, line, new URL('api', location.href), about.value?.hasRules === true)
  return (
    <Section title="The same again">
      <div class="again">
        {command === undefined ? (
          <p class="muted">Its names have characters that no terminal shows: over HTTP they are written otherwise.</p>
        ) : (
          <Command text={command} />
        )}
        <Command text={curl} />
        {line === undefined ? (
          <p class="muted">
            {workload.kind === 'bytes'
              ? 'Its payload is long or not text: download it first, as '
              : 'Its payload is not known here: put it into '}
            <code>{payloadFile}</code>.
          </p>
        ) : null}
      </div>
    </Section>
  )
}
