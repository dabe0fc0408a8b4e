export type {
  Bytes,
  ControlOperation,
  ControlOperations,
  DeadFilter,
  DeadJob,
  FailureNote,
  FunctionPolicy,
  FunctionState,
  JobDescription,
  JobSummary,
  ScheduleDefinition,
  ScheduleRun,
  ScheduleState,
} from '@geartrain/protocol'
export { formatServer, parseServers, type ServerAddress, type Servers } from './address.ts'
export { Admin, type AdminOptions, type DeadChoice, type QueueLimits } from './admin.ts'
export type { ConnectedWorker, FunctionStatus, ListedJob, PriorityStatus } from './admin-rows.ts'
export {
  type AssignedJob,
  EncodedResult,
  type InputJob,
  JobFailure,
  type JobHandler,
  type JobResult,
  type JobStream,
} from './assigned-job.ts'
export type { BackoffOptions } from './backoff.ts'
export { Client, type ClientOptions, type ConnectOptions, type ManyOptions } from './client.ts'
export { bytes, type Codec, checked, json, text } from './codec.ts'
export type { CallOptions } from './cutoff.ts'
export {
  AbortedError,
  ClosedError,
  ConnectError,
  ConnectionLostError,
  type ErrorCode,
  GeartrainError,
  HandlerLostError,
  InvalidArgumentError,
  InvalidDataError,
  JobCancelledError,
  JobExceptionError,
  JobFailedError,
  PackageMissingError,
  ProtocolError,
  ServerError,
  TimeoutError,
  UnsupportedError,
} from './errors.ts'
export type { AttemptEnd, JobPolicy } from './job-policy.ts'
export type { JobStatus, UniqueStatus } from './job-status.ts'
export {
  type AnyJobs,
  defineJobs,
  type FunctionName,
  type HandlerOf,
  type HandlerResult,
  type JobType,
  type JobTypes,
  type ReceivedInput,
  type ReceivedOutput,
  type SentInput,
} from './job-types.ts'
export type { Settled } from './many.ts'
export { mapReduce } from './map-reduce.ts'
export type { SpanStarter } from './span-starter.ts'
export { splitLines } from './split-lines.ts'
export type { StandardIssue, StandardSchema } from './standard-schema.ts'
export type { BackgroundOptions, Priority, SubmitOptions } from './submission.ts'
export type { JobEnd, JobEvent, SubmittedJob } from './submitted-job.ts'
export { defaultResultBytesMax, type HandleOptions, Worker, type WorkerOptions } from './worker.ts'
export type { Workload } from './workload.ts'
