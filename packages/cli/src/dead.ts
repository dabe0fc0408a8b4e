import { type Command, Option } from 'commander'
import { addAskOptions } from './ask-servers.ts'
import { addYesOption } from './confirm.ts'
import { deleteDead } from './dead/delete.ts'
import { editDead } from './dead/edit.ts'
import { deathReasons } from './dead/filter.ts'
import { defaultLimit, listDead } from './dead/list.ts'
import { retryDead } from './dead/retry.ts'
import { showDead } from './dead/show.ts'
import { exitCodes } from './fault.ts'
import { wholeNumber } from './option-values.ts'

/** `geartrain dead`: the jobs that have been given up. */
export function deadCommand(program: Command, finish: (exitCode: number) => void): Command {
  const command = program
    .createCommand('dead')
    .copyInheritedSettings(program)
    .description('show the jobs that are out of attempts, try them again, delete them')
    .helpCommand(false)
    .addHelpText(
      'after',
      `
A background job that is out of attempts, or that no worker has begun in its time, is kept with its payload and its
errors. All of these need Geartrain servers, and ask all that are named. The exit code is 1 if one of them does not
answer or one of the jobs is not found, and 4 if none answers.

Examples:
  geartrain dead list
  geartrain dead show H:queue:17
  geartrain dead retry --function mail.send`,
    )
  const done = (isGood: boolean) => {
    if (!isGood) finish(exitCodes.failed)
  }
  addList(command, done)
  addShow(command)
  addRetry(command, done)
  addEdit(command, done)
  addDelete(command, done)
  return command
}

function addList(parent: Command, done: (isGood: boolean) => void): void {
  const command = parent
    .command('list')
    .description('show the dead jobs, the latest first')
    .argument('[function]', 'those of this function only')
    .addOption(reasonOption())
    .addOption(
      new Option('-n, --limit <n>', 'at most so many')
        .argParser((text) => wholeNumber(text, Number.MAX_SAFE_INTEGER))
        .default(defaultLimit)
        .conflicts('all'),
    )
    .option('--all', 'all of them')
    .addHelpText('after', examples('list', 'list mail.send --reason timeout', "list --all --json | jq -r '.[].handle'"))
    .action(async (name: string | undefined) => done(await listDead(command, name)))
  addAskOptions(command)
}

function addShow(parent: Command): void {
  const command = parent
    .command('show')
    .description('show all of a dead job: its payload, and its failures attempt by attempt')
    .argument('<handle>', 'the job, by the handle that its submitter got')
    .addHelpText('after', examples('show H:queue:17', 'show H:queue:17 --json | jq -r .workload.text'))
    .action((handle: string) => showDead(command, handle))
  addAskOptions(command)
}

function addRetry(parent: Command, done: (isGood: boolean) => void): void {
  const command = addFilterOptions(parent.command('retry'))
    .description('try dead jobs again, with all of their attempts')
    .argument('[handle...]', 'jobs, by the handles that their submitters got')
    .option('--payload <text>', 'one job: with this payload instead of its own')
    .option('--payload-file <file>', 'the same from a file; - is stdin')
    .addHelpText(
      'after',
      examples(
        'retry H:queue:17',
        'retry --function mail.send --reason timeout',
        `retry H:queue:17 --payload '{"to":"a@example.org"}'`,
      ),
    )
    .action(async (handles: readonly string[]) => done(await retryDead(command, handles)))
  addAskOptions(command)
}

function addEdit(parent: Command, done: (isGood: boolean) => void): void {
  const command = parent
    .command('edit')
    .description('change the payload of a dead job in an editor, then try it again')
    .argument('<handle>', 'the job, by the handle that its submitter got')
    .addHelpText(
      'after',
      `
The editor is $VISUAL, $EDITOR or vi. A line end that it puts at the end of a payload that had none is taken away. If
the payload has not been changed, or the editor fails, nothing is done.
${examples('edit H:queue:17', 'edit H:queue:17 -s 10.0.0.1')}`,
    )
    .action(async (handle: string) => done(await editDead(command, handle)))
  addAskOptions(command)
}

function addDelete(parent: Command, done: (isGood: boolean) => void): void {
  const command = addFilterOptions(parent.command('delete'))
    .description('delete dead jobs for good')
    .argument('[handle...]', 'jobs, by the handles that their submitters got')
    .addHelpText('after', examples('delete H:queue:17', 'delete --function mail.send', 'delete --all --yes'))
    .action(async (handles: readonly string[]) => done(await deleteDead(command, handles)))
  addYesOption(command)
  addAskOptions(command)
}

function addFilterOptions(command: Command): Command {
  return command
    .option('--function <name>', 'instead of handles: all of this function')
    .addOption(reasonOption())
    .option('--all', 'all there are')
}

function reasonOption(): Option {
  return new Option('--reason <reason>', 'all that died of this').choices(deathReasons)
}

function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  geartrain dead ${line}`).join('\n')}`
}
