// Parts of the server that it does not export, from where the build puts them: the path is the same from src and dist.
export { type HistoryRow, makeRow, place, runAt, waitAt } from '../../../packages/server/dist/history/row.js'
export {
  type HistorySlice,
  mergeSlices,
  pickRows,
  SliceReader,
  SliceWriter,
} from '../../../packages/server/dist/history/slice.js'
export { tiers } from '../../../packages/server/dist/history/tiers.js'
export { bucketOf } from '../../../packages/server/dist/metrics/histogram.js'
export { RecordReader, RecordWriter } from '../../../packages/server/dist/store/records.js'
export { anyJob, failuresMax, promotedMax, sweptMax } from '../../../packages/server/dist/store/store.js'
