import { type Command, Option } from 'commander'
import { addAskOptions } from './ask-servers.ts'
import { exitCodes } from './fault.ts'
import { wholeNumber } from './option-values.ts'
import { addSchedule } from './schedule/add.ts'
import { pauseSchedule, removeSchedule, resumeSchedule, runSchedule } from './schedule/change.ts'
import { listSchedules } from './schedule/list.ts'
import { defaultRuns, showSchedule } from './schedule/show.ts'

const runsMax = 100

/** `geartrain schedule`: jobs that come at times. */
export function scheduleCommand(program: Command, finish: (exitCode: number) => void): Command {
  const command = program
    .createCommand('schedule')
    .copyInheritedSettings(program)
    .description('have jobs submitted at times: by cron, every so often, or once')
    .helpCommand(false)
    .addHelpText(
      'after',
      `
All of these need Geartrain servers. With several, list asks them all, add goes to the first that can be reached, and
the others to the first that has the schedule. The exit code is 1 if there is no such schedule or a server does not
answer, and 4 if none does.

Examples:
  geartrain schedule add nightly report --cron '0 3 * * *' --timezone Europe/Berlin
  geartrain schedule list
  geartrain schedule show nightly --next 10`,
    )
  addAdd(command)
  addList(command, finish)
  addShow(command)
  addChange(command, 'pause', 'let a schedule rest; what it misses is not made up for', pauseSchedule)
  addChange(command, 'resume', 'let a schedule go on, from now', resumeSchedule)
  addChange(command, 'run', 'submit the job of a schedule now, beside its times', runSchedule)
  addChange(command, 'remove', 'remove a schedule; jobs that it has submitted are done', removeSchedule)
  return command
}

function addAdd(parent: Command): void {
  const command = parent
    .command('add')
    .description('submit a job of a function at times')
    .argument('<name>', 'what the schedule is called')
    .argument('<function>', 'what is to be done')
    .argument('[payload]', 'what with; - is stdin')
    .option('--cron <fields>', 'minute, hour, day of the month, month, day of the week; or six, the second first')
    .option('--every <time>', 'such as 90s, 5m or 1d, counted from now')
    .option('--at <time>', 'once: an ISO date, or +90s, +10m, +2h, +1d')
    .option('--timezone <name>', 'whose clocks are meant, such as Europe/Berlin (default: UTC)')
    .addOption(
      new Option('--missed <what>', 'what becomes of times at which no server ran (default: skip)').choices([
        'skip',
        'once',
        'all',
      ]),
    )
    .option('--no-overlap', 'not while the last job has not ended')
    .addOption(
      new Option('--priority <priority>', 'before or after other jobs (default: normal)').choices([
        'high',
        'normal',
        'low',
      ]),
    )
    .option('-u, --unique <key>', 'the unique of its jobs')
    .option('--then <function>', 'send the result on to this function')
    .option('--paused', 'not before it is resumed')
    .option('--replace', 'in the place of the one of that name')
    .addHelpText(
      'after',
      `
Without a time zone, the clock of an --at is the one here.
${examples(
  "add nightly report --cron '0 3 * * *' --timezone Europe/Berlin --no-overlap",
  "add poll fetch 'https://example.org/feed' --every 5m --then index",
  'add launch announce --at 2030-01-31T09:00 --timezone Asia/Tokyo < announcement.txt -',
)}`,
    )
    .action((name: string, jobFunction: string, payload?: string) => addSchedule(command, name, jobFunction, payload))
  addAskOptions(command)
}

function addList(parent: Command, finish: (exitCode: number) => void): void {
  const command = parent
    .command('list')
    .description('show the schedules, and when they come next')
    .argument('[function]', 'those of this function only')
    .addHelpText('after', examples('list', "list --json | jq -r '.[] | select(.paused) | .name'"))
    .action(async (jobFunction: string | undefined) => {
      if (!(await listSchedules(command, jobFunction))) finish(exitCodes.failed)
    })
  addAskOptions(command)
}

function addShow(parent: Command): void {
  const command = parent
    .command('show')
    .description('show all of a schedule: its next times, and what became of the last ones')
    .argument('<name>', 'the schedule')
    .addOption(
      new Option('-n, --next <n>', 'so many of the next times')
        .argParser((text) => wholeNumber(text, runsMax))
        .default(defaultRuns),
    )
    .addHelpText('after', examples('show nightly', 'show nightly --next 20'))
    .action((name: string) => showSchedule(command, name))
  addAskOptions(command)
}

function addChange(
  parent: Command,
  word: string,
  description: string,
  change: (command: Command, name: string) => Promise<void>,
): void {
  const command = parent
    .command(word)
    .description(description)
    .argument('<name>', 'the schedule')
    .addHelpText('after', examples(`${word} nightly`, `${word} nightly -s 10.0.0.1`))
    .action((name: string) => change(command, name))
  addAskOptions(command)
}

function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  geartrain schedule ${line}`).join('\n')}`
}
