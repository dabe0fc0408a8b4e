import { Argument, type Command } from 'commander'
import { addAskOptions } from './ask-servers.ts'
import { cancelCommand } from './cancel.ts'
import { prioritizeJob } from './job/prioritize.ts'
import { writeResult } from './job/result.ts'
import { showJob } from './job/show.ts'

/** `geartrain job`: one job, whatever has become of it. */
export function jobCommand(program: Command, finish: (exitCode: number) => void): Command {
  const command = program
    .createCommand('job')
    .copyInheritedSettings(program)
    .description('show all of a job, write its result, cancel it, change its priority')
    .helpCommand(false)
    .addHelpText(
      'after',
      `
All of these ask the servers in their order for the one that has the job, and all but cancel need Geartrain servers.
Of a job that has ended they know if it is dead, or while its result is kept (setting keep-results of its function).
The exit code is 1 if none has it, and 4 if none can be reached.

Examples:
  geartrain job show H:queue:17
  geartrain job result --unique report-2024
  geartrain job prioritize H:queue:17 high`,
    )
  addShow(command)
  addResult(command, finish)
  command.addCommand(cancelCommand(command, finish))
  addPrioritize(command)
  return command
}

function addShow(parent: Command): void {
  const command = addWhichOptions(parent.command('show'))
    .description('show the state of a job, its payload, its failures and its kept result')
    .addHelpText('after', examples('show H:queue:17', 'show --unique report-2024 --function report'))
    .action((handle: string | undefined) => showJob(command, handle))
  addAskOptions(command)
}

function addResult(parent: Command, finish: (exitCode: number) => void): void {
  const command = addWhichOptions(parent.command('result'))
    .description('write the kept result of a job to stdout')
    .addHelpText(
      'after',
      `
The exit code is 1 if there is none: the job has not ended, or failed, or its result is not kept. It is 3 if the worker
threw; what it said is on stderr then.
${examples('result H:queue:17 > report.pdf', 'result --unique report-2024 --json')}`,
    )
    .action(async (handle: string | undefined) => finish(await writeResult(command, handle)))
  addAskOptions(command)
}

function addPrioritize(parent: Command): void {
  const command = parent
    .command('prioritize')
    .description('put a job that waits before or after others')
    .argument('<handle>', 'the job, by the handle that its submitter got')
    .addArgument(new Argument('<priority>', 'its new priority').choices(['high', 'normal', 'low']))
    .addHelpText('after', examples('prioritize H:queue:17 high', 'prioritize H:queue:17 low'))
    .action((handle: string, priority: 'high' | 'normal' | 'low') => prioritizeJob(command, handle, priority))
  addAskOptions(command)
}

function addWhichOptions(command: Command): Command {
  return command
    .argument('[handle]', 'the job, by the handle that its submitter got')
    .option('-u, --unique <key>', 'the job, by its unique: the one that came last')
    .option('--function <name>', 'with --unique: of this function')
}

function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  geartrain job ${line}`).join('\n')}`
}
