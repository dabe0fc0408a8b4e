import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import { reason } from '@geartrain/server'
import { Fault } from './fault.ts'

/** Where the C library looks for them. */
const variables = { ca: 'GEARMAND_CA_CERTIFICATE', cert: 'GEARMAN_CLIENT_PEM', key: 'GEARMAN_CLIENT_KEY' } as const

/** What the variables of the environment name: the authorities of servers, this client's certificate and its key. */
export function readTlsFiles(environment: NodeJS.ProcessEnv, exitCode: number): ConnectionOptions {
  const options: { -readonly [Name in keyof typeof variables]?: Buffer } = {}
  for (const name of ['ca', 'cert', 'key'] as const) {
    const file = environment[variables[name]] ?? ''
    if (file === '') continue
    try {
      options[name] = readFileSync(file)
    } catch (error) {
      throw new Fault(`cannot read ${file}, which is ${variables[name]}: ${reason(error)}`, exitCode, { cause: error })
    }
  }
  return options
}
