export { type AdminCommand, type AdminQueueLimits, adminAnswers, adminWordsMax, parseAdminLine } from './admin.ts'
export { type CountRow, parseCountRow, parseWorkerRow, type WorkerRow } from './admin-rows.ts'
export { Arguments } from './arguments.ts'
export type {
  Bytes,
  ClusterServerState,
  ConnectionState,
  ControlAnswer,
  ControlErrorCode,
  ControlOperation,
  ControlOperations,
  DeadFilter,
  DeadGroup,
  DeadJob,
  DeathReasonName,
  FailureNote,
  FailureReasonName,
  FunctionPolicy,
  FunctionState,
  JobAction,
  JobCount,
  JobDescription,
  JobFilter,
  JobStateName,
  JobSummary,
  JobsChanged,
  PriorityName,
  ScheduleDefinition,
  ScheduleRun,
  ScheduleState,
  ServerState,
} from './control.ts'
export { type Decoded, type DecodeProblem, Decoder, type DecoderLimits } from './decoder.ts'
export { type WireError, wireErrors } from './errors.ts'
export { readLatin1, writeLatin1 } from './latin1.ts'
export {
  type Finding,
  type FindingKind,
  findingKinds,
  type History,
  type HistoryColumn,
  type HistoryOverview,
  type HistoryRange,
  historyRanges,
  type LiveChange,
  type LiveCounters,
  type LiveFlow,
  type LiveFunction,
  type LiveServer,
  type LiveSnapshot,
  type Percentiles,
  type WatchedFunction,
  type WatchedServer,
  type WatchedServers,
  type WatchedWorker,
} from './monitoring.ts'
export { NameCache } from './names.ts'
export { headerBytes, type PacketKind, type PacketName, packetKinds, packets } from './packets.ts'
export { checkServerAddress, formatServerAddress, parseServerAddress, type ServerAddress } from './server-address.ts'
export type { SubmitOptions } from './submit-options.ts'
export { readTraceParent, type TraceParent, writeTraceParent } from './trace-parent.ts'
export { encodePacket, PacketWriter } from './writer.ts'
