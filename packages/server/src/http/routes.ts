import type { Route } from './route.ts'

/** Every operation over HTTP. */
export const routes: readonly Route[] = []
