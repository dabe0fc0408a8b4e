import type { JSX } from 'preact'
import { keyOf } from '../../findings/arranged.ts'
import { FindingCard } from '../../findings/finding-card.tsx'
import { live } from '../../live/live.ts'
import { Section } from '../../parts/page.tsx'
import type { FunctionRow } from './function-rows.ts'

/** What is wrong with it now; nothing is shown if nothing is. */
export function FunctionFindings({ row }: { readonly row: FunctionRow }): JSX.Element | null {
  const names = new Set((row.members ?? [row]).map(({ name }) => name))
  const found = live.findings.value.filter((finding) => finding.function !== undefined && names.has(finding.function))
  if (found.length === 0) return null
  return (
    <Section title="What is wrong now">
      <ul class="findings">
        {found.map((finding) => (
          <FindingCard key={keyOf(finding)} finding={finding} here={row.name} />
        ))}
      </ul>
    </Section>
  )
}
