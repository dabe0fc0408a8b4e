import type { Finding } from '@geartrain/protocol'
import { failuresLink, functionLink, jobLink, pages } from '../links.ts'

export interface FixLink {
  readonly to: string
  readonly text: string
}

/** Where more is to be seen of what is wrong, and where it can be fixed. The best first. `here`: the function of the page. */
export function fixLinks({ kind, function: name, handle }: Finding, here?: string): readonly FixLink[] {
  if (name === undefined) return kind === 'stopping' ? [] : [{ to: pages.servers, text: 'The server' }]
  const about: readonly FixLink[] = name === here ? [] : [{ to: functionLink(name), text: 'The function' }]
  if (kind === 'failing') return [{ to: failuresLink(name), text: 'Its failures' }, ...about]
  if (kind === 'stuck' && handle !== undefined) return [{ to: jobLink(handle), text: 'The job' }, ...about]
  return about
}
