import { existsSync } from 'node:fs'
import type { AssignedJob, EncodedResult } from '../assigned-job.ts'
import { InvalidArgumentError } from '../errors.ts'
import type { Thrown } from './thrown.ts'

/** A handler that a module exports. */
export interface HandlerExport {
  readonly module: string
  readonly name: string
}

/** A job, and what is to do it. */
export interface JobOrder {
  readonly kind: 'job'
  readonly handler: HandlerExport
  readonly handle: string
  readonly function: string
  readonly unique: string
  readonly reducer: string | undefined
  readonly body: Uint8Array
}

/** To where the handler runs, about the job that it does there. */
export type PoolMessage =
  | { readonly kind: 'abort'; readonly reason: Thrown }
  /** The chunk of that number has gone to the server; or it was not one. */
  | { readonly kind: 'sent'; readonly number: number; readonly refusal: Thrown | undefined }

/** And back. The last two end the job. */
export type HandlerMessage =
  | { readonly kind: 'progress'; readonly numerator: number; readonly denominator: number }
  | { readonly kind: 'data' | 'warning'; readonly number: number; readonly body: unknown }
  | { readonly kind: 'returned'; readonly body: Uint8Array }
  | { readonly kind: 'threw'; readonly thrown: Thrown }

/** For functions of any type: what the handler there returns is sent as it would be for a function without one. */
export type PooledHandler = (job: AssignedJob) => Promise<EncodedResult>

/** Throws if there is no such file. What it exports is not known before the first job. */
export function handlerExport(module: URL, name: string): HandlerExport {
  if (module.protocol === 'file:' && !existsSync(module)) {
    throw new InvalidArgumentError(`there is no file ${module.pathname}, which a handler was to come from`)
  }
  return { module: module.href, name }
}

export function jobOrder(job: AssignedJob, handler: HandlerExport): JobOrder {
  const { handle, function: jobFunction, unique, reducer, workload } = job
  return { kind: 'job', handler, handle, function: jobFunction, unique, reducer, body: workload }
}
