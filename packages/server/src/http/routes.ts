import type { Route } from './route.ts'
import { openApiRoute } from './routes/openapi.ts'

const operations: readonly Route[] = []

/** Every operation over HTTP. */
export const routes: readonly Route[] = [...operations, openApiRoute(operations)]
