import type { EncodedResult, JobHandler, JobResult } from './assigned-job.ts'
import { bytes, type Codec } from './codec.ts'
import type { Workload } from './workload.ts'

/** What the jobs of a function take and give. Bytes where nothing is said. */
export interface JobType {
  readonly input?: Codec
  readonly output?: Codec
}

/** Functions by their name. Clients and workers share it, so that both mean the same. */
export type JobTypes = Readonly<Record<string, JobType>>

/** Any function, of bytes. */
export type AnyJobs = Readonly<Record<string, { readonly input?: never; readonly output?: never }>>

export type FunctionName<Jobs extends JobTypes> = keyof Jobs & string

type Sent<C> = C extends Codec<infer Value, unknown> ? Value : Workload
type Received<C> = C extends Codec<never, infer Value> ? Value : Uint8Array
type Side<Job, Name extends keyof JobType> = Job extends { readonly [N in Name]: infer C } ? C : undefined

/** What is submitted. */
export type SentInput<Jobs extends JobTypes, Name extends FunctionName<Jobs>> = Sent<Side<Jobs[Name], 'input'>>
/** What the handler gets of it. */
export type ReceivedInput<Jobs extends JobTypes, Name extends FunctionName<Jobs>> = Received<Side<Jobs[Name], 'input'>>
/** What the handler returns: without a codec, whatever can be sent. */
export type HandlerResult<Jobs extends JobTypes, Name extends FunctionName<Jobs>> =
  | EncodedResult
  | (Jobs[Name] extends { readonly output: Codec<infer Value> } ? Value : JobResult)
/** A handler, for where it is not written at the worker. */
export type HandlerOf<Jobs extends JobTypes, Name extends FunctionName<Jobs>> = JobHandler<
  ReceivedInput<Jobs, Name>,
  HandlerResult<Jobs, Name>
>

/** What the submitter gets of it. */
export type ReceivedOutput<Jobs extends JobTypes, Name extends FunctionName<Jobs>> = Received<
  Side<Jobs[Name], 'output'>
>

/** The types of some functions, checked where they are written. */
export function defineJobs<const Jobs extends JobTypes>(jobs: Jobs): Jobs {
  return jobs
}

/** The codecs of a function, for the one who submits. */
export function submitterCodecs<Jobs extends JobTypes, Name extends FunctionName<Jobs>>(
  jobs: Jobs | undefined,
  jobFunction: Name,
): {
  readonly input: Codec<SentInput<Jobs, Name>>
  readonly output: Codec<never, ReceivedOutput<Jobs, Name>>
} {
  const { input = bytes, output = bytes } = typeOf(jobs, jobFunction)
  // The types are read from the same table.
  return { input, output } as ReturnType<typeof submitterCodecs<Jobs, Name>>
}

export function typeOf(jobs: JobTypes | undefined, jobFunction: string): JobType {
  return (jobs !== undefined && Object.hasOwn(jobs, jobFunction) ? jobs[jobFunction] : undefined) ?? {}
}
