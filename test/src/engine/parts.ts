// Parts of the engine that it does not export, from where the build puts them: the path is the same from src and dist.
export { Deadlines, type Due } from '../../../packages/engine/dist/deadlines.js'
export { JobFunction } from '../../../packages/engine/dist/function.js'
export { Job } from '../../../packages/engine/dist/job.js'
export { JobTable } from '../../../packages/engine/dist/job-table.js'
export { type Linked, List } from '../../../packages/engine/dist/list.js'
export { Pace } from '../../../packages/engine/dist/pace.js'
export { type WorkloadPage, Workloads } from '../../../packages/engine/dist/workloads.js'
