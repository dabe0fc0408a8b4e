import { isUtf8 } from 'node:buffer'
import type { GeartrainError, JobEvent } from '@geartrain/client'

/** A job's event as `--json` prints it. */
export function eventJson(event: JobEvent): Record<string, unknown> {
  const { type, ...fields } = event
  return 'data' in fields ? { event: type, data: dataJson(fields.data) } : { event: type, ...fields }
}

/** Why the end of a job is not known. */
export function errorJson({ code, message }: GeartrainError): Record<string, unknown> {
  return { event: 'error', code, message }
}

/** Text, or `{ base64 }` if it is no UTF-8. */
function dataJson(data: Uint8Array): string | { readonly base64: string } {
  const buffer = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  return isUtf8(data) ? buffer.toString('utf8') : { base64: buffer.toString('base64') }
}
