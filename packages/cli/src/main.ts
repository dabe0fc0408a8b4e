import { version } from '@geartrain/server'
import { Command, CommanderError } from 'commander'
import { cancelCommand } from './cancel.ts'
import { completionCommand } from './completion.ts'
import { deadCommand } from './dead.ts'
import { doCommand } from './do.ts'
import { doctorCommand } from './doctor.ts'
import { exitCodes, Fault, refuseArguments } from './fault.ts'
import { functionCommand } from './function.ts'
import { gearadminCommand } from './gearadmin.ts'
import { gearmanCommand } from './gearman.ts'
import { gearmandCommand } from './gearmand.ts'
import { jobCommand } from './job.ts'
import { jobsCommand } from './jobs.ts'
import { monitorCommand } from './monitor.ts'
import { endWithReader } from './output.ts'
import { scheduleCommand } from './schedule.ts'
import { serveCommand } from './serve.ts'
import { statusCommand } from './status.ts'
import { stdoutTaken } from './stdout.ts'
import { storeCommand } from './store.ts'
import { tokenCommand } from './token.ts'
import { topCommand } from './top.ts'
import { workCommand } from './work.ts'
import { workersCommand } from './workers.ts'

const exitCode = await main(process.argv.slice(2))
await stdoutTaken()
process.exit(exitCode)

/** Runs the command line; resolves with the exit code. */
async function main(args: readonly string[]): Promise<number> {
  endWithReader()
  let exitCode = 0
  const finish = (code: number) => {
    exitCode = code
  }
  try {
    await geartrain(finish).parseAsync(args, { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0
    if (error instanceof CommanderError && error.code === 'commander.help') return exitCodes.usage
    if (error instanceof CommanderError) return fail(usageSentence(error), exitCodes.usage, args)
    if (error instanceof Fault) return fail(error.message, error.exitCode, args)
    throw error
  }
}

function geartrain(finish: (exitCode: number) => void): Command {
  const program = new Command('geartrain')
    .description('A job server that speaks the Gearman protocol.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    // A command's flags are its own: `geartrain gearmand -V`.
    .enablePositionalOptions()
    .configureOutput({ outputError() {} })
    // Descriptions are wrapped as long as there is a little room beside the longest command.
    .configureHelp({ minWidthToWrap: 25 })
    .exitOverride()
    .addHelpText(
      'after',
      `
Examples:
  geartrain demo                        a server, a worker and a few jobs, to see it work
  geartrain serve                       a server on 127.0.0.1:4730
  geartrain serve --config access.toml  a server for other machines too, with rules of who may do what
  geartrain gearmand -d -L 0.0.0.0      a server in the place of C gearmand
  geartrain store stats                 what is queued in ./geartrain.db
  geartrain do reverse 'Hello World!'   have a job done
  geartrain work resize -- ./resize.sh  a worker that runs a command for each job
  geartrain status                      functions, with their jobs and workers
  geartrain top                         the same, live, with what is stuck
  geartrain monitor -s 10.0.0.1         job servers in the browser, plain gearmand too
  geartrain dead list                   jobs that are out of attempts

geartrain serve --help shows all that can be set.`,
    )
  const demo = new Command('demo')
    .description('see it work: a server, a worker and a few jobs')
    .option('--once', 'end after the answers')
    .action(async () => {
      refuseArguments(demo, exitCodes.usage)
      const { demo: run } = await import('./demo.ts')
      finish(await run({ once: demo.getOptionValue('once') === true }))
    })
  for (const command of [serveCommand(finish), demo]) {
    command.copyInheritedSettings(program).helpOption('-h, --help', 'print this help').allowExcessArguments(true)
    program.addCommand(command)
  }
  program.addCommand(storeCommand(program, finish))
  program.addCommand(doctorCommand(program, finish))
  program.addCommand(doCommand(program, finish))
  program.addCommand(statusCommand(program, finish))
  program.addCommand(workersCommand(program, finish))
  program.addCommand(jobsCommand(program, finish))
  program.addCommand(cancelCommand(program, finish))
  program.addCommand(jobCommand(program, finish))
  program.addCommand(functionCommand(program, finish))
  program.addCommand(deadCommand(program, finish))
  program.addCommand(scheduleCommand(program, finish))
  program.addCommand(workCommand(program))
  program.addCommand(topCommand(program, finish))
  program.addCommand(monitorCommand(program, finish))
  program.addCommand(tokenCommand(program))
  program.addCommand(completionCommand(program))
  // Not copied from the program: it fails in gearmand's way.
  program.addCommand(gearmandCommand(finish))
  program.addCommand(gearmanCommand(finish))
  program.addCommand(gearadminCommand(finish))
  return program
}

function fail(sentence: string, exitCode: number, args: readonly string[]): number {
  const [command] = args
  const name = command === undefined || command.startsWith('-') ? 'geartrain' : `geartrain ${command}`
  process.stderr.write(`${name}: ${sentence}\n`)
  return exitCode
}

/** Commander's message as one sentence. */
function usageSentence({ message }: CommanderError): string {
  return message.replace(/^error: /, '').replace(/\s*\(Did you mean (.*)\?\)$/, '; did you mean $1?')
}
