// What the tests of findings take of the server's inside.
export { findingOf } from '../../../packages/server/dist/live/findings/finding.js'
export { LastingSymptoms, lingerMs } from '../../../packages/server/dist/live/findings/lasting.js'
export {
  failuresMin,
  type KnownFunction,
  type KnownServer,
  type KnownStore,
  overdueAfterMs,
  overdueMsMin,
  symptomsOf,
  type Thresholds,
  workerlessMsMin,
} from '../../../packages/server/dist/live/findings/symptoms.js'
