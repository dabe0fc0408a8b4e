import { textOfName } from './names.ts'

/** Where a job is to be found. A handle can have any bytes, and what goes into a header has none of them raw. */
export function jobPath(handle: string): string {
  return `/api/jobs/${pathPart(textOfName(handle))}`
}

/** One part of a path, in which a colon may stand as it is. */
export function pathPart(text: string): string {
  if (/^[\w:.-]+$/.test(text)) return text
  return encodeURIComponent(text).replaceAll('%3A', ':')
}
