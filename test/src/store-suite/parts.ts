// Parts of the server that it does not export, from where the build puts them: the path is the same from src and dist.
export { RecordReader, RecordWriter } from '../../../packages/server/dist/store/records.js'
export { failuresMax, promotedMax, sweptMax } from '../../../packages/server/dist/store/store.js'
