import { type LogOptions, type OpenLog, openLog, reason, version } from '@geartrain/server'
import type { Command } from 'commander'
import { reportFault, reportReady, startDaemon, takeDaemonMark } from './daemon.ts'
import { Fault, refuseArguments } from './fault.ts'
import {
  type GivenGearmandFlags,
  gearmandExitCode,
  gearmandFlags,
  gearmandParser,
  readGearmandFlags,
  textOf,
} from './gearmand-flags.ts'
import { planGearmand } from './gearmand-plan.ts'
import { chownStore, placeQueueStore } from './gearmand-store.ts'
import { PidFile } from './pid-file.ts'
import { run } from './run.ts'
import { becomeUser, findUser, isRoot, type User } from './user.ts'

/** `geartrain gearmand`: the server in the place of C gearmand, for service files and scripts that exist. */
export function gearmandCommand(finish: (exitCode: number) => void): Command {
  const command = gearmandParser()
  return command.action(async () => {
    const isDaemon = takeDaemonMark()
    try {
      finish(await gearmand(command, isDaemon))
    } catch (error) {
      if (!isDaemon || !(error instanceof Fault)) throw error
      // Its parent says it, to the user.
      await reportFault(error.message)
      finish(error.exitCode)
    }
  })
}

async function gearmand(command: Command, isDaemon: boolean): Promise<number> {
  refuseArguments(command, gearmandExitCode)
  const { given, notes } = readGearmandFlags(command)
  const plan = planGearmand(given, process.env)
  if (given['check-args'] === true) {
    // gearmand takes these flags and only fails when it starts.
    if (plan.refusal !== undefined) say(plan.refusal)
    return 0
  }
  if (given.help === true) {
    process.stdout.write(command.helpInformation())
    return 0
  }
  if (given.version === true) {
    process.stdout.write(`\ngeartrain gearmand ${version} - a job server in the place of C gearmand\n`)
    return 0
  }
  if (plan.refusal !== undefined) throw new Fault(plan.refusal, gearmandExitCode)
  const user = findGivenUser(given)
  if (given.daemon === true && !isDaemon) return startDaemon(errorsOf(plan.log), gearmandExitCode)

  const openedLog = await openGearmandLog(plan.log)
  const storePath = plan.queue && (await placeQueueStore(plan.queue, openedLog))
  return run({
    server: { ...plan.server, store: storePath === undefined ? 'memory' : `sqlite:${storePath}` },
    openedLog,
    graceMs: plan.graceMs,
    notes: [...notes, ...plan.notes],
    gearmandHttpFlags: { listen: '--listen', port: '--http-port' },
    onListening() {
      // Not before: a server that can't have its port leaves the file of the one that has it alone.
      const pidFile = createPidFile(given)
      if (user !== undefined) switchTo(user, openedLog, pidFile, storePath)
    },
    async onReady() {
      if (isDaemon) await reportReady()
    },
  })
}

function say(sentence: string): void {
  process.stderr.write(`geartrain gearmand: ${sentence}\n`)
}

function findGivenUser(given: GivenGearmandFlags): User | undefined {
  const name = textOf(given, 'user') ?? ''
  if (name === '') return undefined
  if (!isRoot()) throw new Fault(`only root can become the user ${name}: leave out --user`, gearmandExitCode)
  const user = findUser(name)
  if (user === undefined) throw new Fault(`there is no user ${name}`, gearmandExitCode)
  return user
}

function switchTo(user: User, openedLog: OpenLog, pidFile: PidFile | undefined, storePath: string | undefined): void {
  try {
    openedLog.chown(user.uid, user.gid)
    pidFile?.chown(user.uid, user.gid)
    if (storePath !== undefined) chownStore(storePath, user.uid, user.gid)
    becomeUser(user)
  } catch (error) {
    throw new Fault(`cannot become the user ${user.name}: ${reason(error)}`, gearmandExitCode, { cause: error })
  }
}

async function openGearmandLog(options: LogOptions): Promise<OpenLog> {
  try {
    return await openLog(options)
  } catch (error) {
    say(`cannot write the log file ${options.file}, logging to stderr: ${reason(error)}`)
    return openLog({ ...options, file: undefined })
  }
}

/** Where a daemon's stderr goes: what it says there is what no log could take, such as a crash. */
function errorsOf({ file, level }: LogOptions): { file: string } | 'inherit' | 'ignore' {
  if (file === undefined) return level === 'silent' ? 'ignore' : 'inherit'
  return { file }
}

/** gearmand goes on without the file if nobody asked for one. */
function createPidFile(given: GivenGearmandFlags): PidFile | undefined {
  const file = textOf(given, 'pid-file') ?? gearmandFlags['pid-file'].default
  try {
    return new PidFile(file)
  } catch (error) {
    if (file === gearmandFlags['pid-file'].default) return undefined
    throw new Fault(`cannot write the pid file ${file}: ${reason(error)}`, gearmandExitCode, { cause: error })
  }
}
