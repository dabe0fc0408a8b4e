export type { ServerAddress, Servers } from './address.ts'
export { Admin, type AdminOptions, type QueueLimits } from './admin.ts'
export type { ConnectedWorker, FunctionStatus, ListedJob, PriorityStatus } from './admin-rows.ts'
export { type AssignedJob, JobFailure, type JobHandler, type JobResult } from './assigned-job.ts'
export type { BackoffOptions } from './backoff.ts'
export {
  type BackgroundOptions,
  Client,
  type ClientOptions,
  type ConnectOptions,
  type JobStatus,
  type Priority,
  type SubmitOptions,
  type UniqueStatus,
} from './client.ts'
export type { CallOptions } from './cutoff.ts'
export {
  AbortedError,
  ClosedError,
  ConnectError,
  ConnectionLostError,
  type ErrorCode,
  GeartrainError,
  InvalidArgumentError,
  JobExceptionError,
  JobFailedError,
  ProtocolError,
  ServerError,
  TimeoutError,
} from './errors.ts'
export type { JobEnd, JobEvent, SubmittedJob } from './submitted-job.ts'
export { type HandleOptions, Worker, type WorkerOptions } from './worker.ts'
export type { Workload } from './workload.ts'
