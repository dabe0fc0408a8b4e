// Parts of the server that it does not export, from where the build puts them: the path is the same from src and dist.
export { OtlpExporter } from '../../../packages/server/dist/traces/otlp-exporter.js'
export type { Span } from '../../../packages/server/dist/traces/span.js'
