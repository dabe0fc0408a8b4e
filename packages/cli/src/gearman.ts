import { reason } from '@geartrain/server'
import type { Command } from 'commander'
import { reportFault, reportReady, startDaemon, takeDaemonMark } from './daemon.ts'
import { Fault } from './fault.ts'
import { type GearmanFlags, gearmanExitCode, gearmanParser, readGearmanFlags } from './gearman/flags.ts'
import { PidFile } from './pid-file.ts'

/** `geartrain gearman`: the C tool of that name, for scripts that exist. */
export function gearmanCommand(finish: (exitCode: number) => void): Command {
  const command = gearmanParser()
  return command.action(async () => {
    const isDaemon = takeDaemonMark()
    try {
      finish(await gearman(command, isDaemon))
    } catch (error) {
      if (!isDaemon || !(error instanceof Fault)) throw error
      // Its parent says it, to the user.
      await reportFault(error.message)
      finish(error.exitCode)
    }
  })
}

async function gearman(command: Command, isDaemon: boolean): Promise<number> {
  if (command.getOptionValue('H') === true) {
    command.outputHelp()
    return 0
  }
  const flags = readGearmanFlags(command)
  if (flags.isDaemon && !isDaemon) return startDaemon('ignore', gearmanExitCode)
  const { findServers, findTls } = await import('./gearman/servers.ts')
  const servers = await findServers(flags, process.env)
  const tls = findTls(flags.isEncrypted, process.env)
  writePidFile(flags)
  if (isDaemon) await reportReady()
  if (flags.isWorker) {
    const { work } = await import('./gearman/work.ts')
    return work(flags, servers, tls)
  }
  const { submitJobs } = await import('./gearman/submit.ts')
  return submitJobs(flags, servers, tls)
}

function writePidFile({ pidFile }: GearmanFlags): void {
  if (pidFile === undefined) return
  try {
    new PidFile(pidFile)
  } catch (error) {
    throw new Fault(`cannot write the pid file ${pidFile}: ${reason(error)}`, gearmanExitCode, { cause: error })
  }
}
