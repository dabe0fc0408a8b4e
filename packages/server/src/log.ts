import type { Logger } from 'pino'

/**
 * What the server needs of a logger: pino's, or any other of its shape. Lines of single jobs are only made for one that
 * says that it wants what is for debugging.
 */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'> & Partial<Pick<Logger, 'isLevelEnabled'>>

/** For programs that embed a server and do not want to hear of it. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }
