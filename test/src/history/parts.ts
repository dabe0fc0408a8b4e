// Parts of the server that it does not export, from where the build puts them: the path is the same from src and dist.
export { Increases } from '../../../packages/server/dist/history/increases.js'
export { OverviewSteps } from '../../../packages/server/dist/history/overview.js'
export { nameBytesMax, unkeptMax } from '../../../packages/server/dist/history/sampler.js'
export { counter, FunctionFigures } from '../../../packages/server/dist/metrics/function-figures.js'
