export { Access, type Credentials, type Grant } from './access/access.ts'
export type { AccessOptions, AccessRule, AccessRuleOptions } from './access/access-rules.ts'
export { type Actor, anyone, type Role, roles } from './access/actor.ts'
export { type PacketRole, packetRoles } from './access/packet-roles.ts'
export { hashToken, makeToken } from './access/token.ts'
export { UnguardedError } from './access/unguarded.ts'
export { adminRoles } from './admin.ts'
export type { Clock } from './clock.ts'
export { systemClock } from './clock.ts'
export { controlRoles } from './control/control-roles.ts'
export { HttpListenError } from './http/http-listen-error.ts'
export { type ProblemCode, problems } from './http/problem.ts'
export { defaultLimits, gearmandLimits, type Limits } from './limits.ts'
export type { ListeningAddress } from './listening-address.ts'
export { type Log, silentLog } from './log.ts'
export { type LogFormat, type LogOptions, type OpenLog, openLog } from './logging.ts'
export { createMonitor, type Monitor, type MonitorOptions } from './monitor.ts'
export type { ServerOptions } from './options.ts'
export type { ConfigPolicies, FunctionOptions, PolicyOptions } from './policies/config-policies.ts'
export { JobOptionsError, readJobOptions } from './policies/job-options.ts'
export { Policies, PolicyError } from './policies/policies.ts'
export { type AnyPolicySetting, type PolicyKey, policyKeys, policySettings } from './policies/policy-settings.ts'
export type { ClientSchedule } from './schedules/client-schedule.ts'
export { readScheduleTables } from './schedules/config-schedules.ts'
export { ScheduleError } from './schedules/schedule-error.ts'
export { type ScheduleContext, Schedules, type Submitted } from './schedules/schedules.ts'
export { createServer, type Server } from './server.ts'
export {
  type AnySetting,
  limitSettings,
  type Setting,
  type SettingName,
  type SettingValues,
  settingNames,
  settings,
  toServerOptions,
} from './settings.ts'
export { type ConfigFile, noConfigFile, readConfigFile } from './settings-file.ts'
export {
  environmentName,
  type Given,
  readEnvironment,
  reason,
  resolveSettings,
  SettingsError,
  type Source,
} from './settings-sources.ts'
export type { TomlEntry, TomlTable } from './settings-toml.ts'
export type {
  ClusterListener,
  ClusterServer,
  FunctionReport,
  LimitDemand,
  LimitShare,
  ServerReport,
  StoreCluster,
  StoredLine,
} from './store/cluster.ts'
export { failureMessage } from './store/failure-message.ts'
export { isPostgresUrl, withoutPassword } from './store/postgres/address.ts'
export { type Examination, examine, type HostReport } from './store/postgres/doctor/examine.ts'
export type { Finding } from './store/postgres/doctor/finding.ts'
export { type BackupOptions, backUp } from './store/sqlite/backup.ts'
export { type CheckOptions, type CheckResult, checkStore } from './store/sqlite/check.ts'
export { renameDurably } from './store/sqlite/durable.ts'
export { GearmandQueue, gearmandTable, isOurStore } from './store/sqlite/gearmand-queue.ts'
export { findOwner } from './store/sqlite/owner.ts'
export { salvageJobs } from './store/sqlite/salvage.ts'
export { type FunctionStats, StoreSnapshot, type StoreStats } from './store/sqlite/snapshot.ts'
export { SqliteStore, type SqliteStoreOptions } from './store/sqlite/sqlite-store.ts'
export { type NewJob, type StoredJob, StoreImport } from './store/sqlite/transfer.ts'
export {
  type Batch,
  type BatchResult,
  type ChangeOutcome,
  emptyBatch,
  type HeardDocument,
  nothingWritten,
  type Store,
  type StoreAnswer,
  type StoredChange,
  type StoredDescription,
  type StoredDocument,
  type StoredExpired,
  type StoredFailureNote,
  type StoredFilter,
  type StoredFunction,
  type StoredGroup,
  type StoredRow,
  type StoredScan,
  type StoredSummary,
  StoreError,
  type StoreFailure,
  type StoreRequest,
  type StoreState,
} from './store/store.ts'
export { TlsError } from './tls/tls-error.ts'
export type { TlsFiles } from './tls/tls-files.ts'
export { version } from './version.ts'
