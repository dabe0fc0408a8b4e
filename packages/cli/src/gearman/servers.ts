import { lookup } from 'node:dns/promises'
import type { ConnectionOptions } from 'node:tls'
import { InvalidArgumentError, parseServers, type ServerAddress } from '@geartrain/client'
import { Fault } from '../fault.ts'
import { readTlsFiles } from '../tls-files.ts'
import { type GearmanFlags, gearmanExitCode } from './flags.ts'

/**
 * Where the C tool looks: what GEARMAN_SERVERS lists, then GEARMAN_SERVER, or else -h and -p. The default of these is
 * left out where GEARMAN_SERVERS has something. Fault if a name has no address.
 */
export async function findServers(
  { host, port }: Pick<GearmanFlags, 'host' | 'port'>,
  environment: NodeJS.ProcessEnv,
): Promise<ServerAddress[]> {
  const { GEARMAN_SERVERS: list = '', GEARMAN_SERVER: server = '' } = environment
  const servers = [...readList('GEARMAN_SERVERS', list), ...readList('GEARMAN_SERVER', server)]
  const isFlagged = host !== undefined || port !== undefined
  if (servers.length === 0 || (isFlagged && server === '')) {
    servers.push({ host: host === undefined || host === '' ? 'localhost' : host, port: port ?? 4730 })
  }
  for (const { host: name } of servers) await checkName(name)
  return servers
}

/** For -S, or undefined without. */
export function findTls(isEncrypted: boolean, environment: NodeJS.ProcessEnv): ConnectionOptions | undefined {
  return isEncrypted ? readTlsFiles(environment, gearmanExitCode) : undefined
}

function readList(variable: string, list: string): ServerAddress[] {
  if (list === '') return []
  try {
    return parseServers(list)
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error
    throw new Fault(`${variable}: ${error.message}`, gearmanExitCode, { cause: error })
  }
}

/** A worker would wait for ever for a server that is only misspelt. */
async function checkName(host: string): Promise<void> {
  try {
    await lookup(host)
  } catch (error) {
    throw new Fault(`there is no address for the name ${host}: check the name`, gearmanExitCode, { cause: error })
  }
}
