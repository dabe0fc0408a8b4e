import type { Command } from 'commander'
import { addAskOptions, addUntimedAskOptions } from './ask-servers.ts'
import { addYesOption } from './confirm.ts'
import { exitCodes } from './fault.ts'
import { listFunctions } from './function/list.ts'
import { purgeFunction } from './function/purge.ts'
import { addPolicyOptions, setPolicy } from './function/set.ts'
import { showFunction } from './function/show.ts'
import { type Switch, switchFunctions } from './function/switch.ts'

/** `geartrain function`: what a server does with the jobs of a function, and how it stands. */
export function functionCommand(program: Command, finish: (exitCode: number) => void): Command {
  const command = program
    .createCommand('function')
    .copyInheritedSettings(program)
    .description('show functions, set how their jobs are treated, pause them, purge them')
    .helpCommand(false)
    .addHelpText(
      'after',
      `
All of these need Geartrain servers, and ask or tell all that are named. The exit code is 1 if one of them does not
answer, and 4 if none does.

Examples:
  geartrain function list
  geartrain function set 'mail.*' --attempts 5 --backoff-first 10s
  geartrain function show mail.send
  geartrain function pause mail.send`,
    )
  const done = (isGood: boolean) => {
    if (!isGood) finish(exitCodes.failed)
  }
  addList(command, done)
  addShow(command, done)
  addSet(command, done)
  for (const [name, [description, what]] of Object.entries(switches)) addSwitch(command, name, description, what, done)
  addPurge(command, done)
  return command
}

const switches: Readonly<Record<string, readonly [description: string, what: Switch]>> = {
  pause: [
    'give no jobs of functions to workers, until they are resumed',
    { key: 'paused', isOn: true, done: 'is paused', failed: 'is not paused' },
  ],
  resume: [
    'give jobs of functions to workers again',
    { key: 'paused', isOn: false, done: 'is resumed', failed: 'is still paused' },
  ],
  drain: [
    'take no more jobs of functions; those that are there are done',
    { key: 'draining', isOn: true, done: 'takes no more jobs', failed: 'still takes jobs' },
  ],
  undrain: [
    'take jobs of functions again',
    { key: 'draining', isOn: false, done: 'takes jobs again', failed: 'still takes no jobs' },
  ],
}

function addList(parent: Command, done: (isGood: boolean) => void): void {
  const command = parent
    .command('list')
    .description('show the functions with their jobs and workers, and which are paused')
    .argument('[name...]', 'these only')
    .addHelpText('after', examples('list', `list --json | jq '.[] | select(.dead > 0)'`))
    .action(async (names: readonly string[]) => done(await listFunctions(command, names)))
  addAskOptions(command)
}

function addShow(parent: Command, done: (isGood: boolean) => void): void {
  const command = parent
    .command('show')
    .description('show how the jobs of a function are treated, and where each setting comes from')
    .argument('<name>', 'a function, or a pattern such as mail.*')
    .option('-a, --all', 'also what nobody has set')
    .addHelpText('after', examples('show mail.send', 'show mail.send --all', "show 'mail.*'"))
    .action(async (name: string) => done(await showFunction(command, name)))
  addAskOptions(command)
}

function addSet(parent: Command, done: (isGood: boolean) => void): void {
  const command = parent
    .command('set')
    .description('set how the jobs of functions are treated; it is kept across restarts')
    .argument('<name>', 'a function, or a pattern such as mail.*')
    .argument('[settings...]', 'KEY=VALUE, the same as --KEY VALUE')
    .addHelpText(
      'after',
      `
All of what is said is set or, if one value is wrong, none of it. A switch is turned off with --no-, as in --no-paused.
For each setting by itself, what is set here comes before the configuration file, then a name before the patterns that
it fits, and of those the longest.
${examples(
  "set 'mail.*' --attempts 5 --backoff-first 10s",
  'set resize concurrency=4 timeout=2m',
  'set resize --unset concurrency',
)}`,
    )
    .action(async (name: string, settings: readonly string[]) => done(await setPolicy(command, name, settings)))
  addPolicyOptions(command)
  addUntimedAskOptions(command)
}

function addSwitch(
  parent: Command,
  name: string,
  description: string,
  what: Switch,
  done: (isGood: boolean) => void,
): void {
  const command = parent
    .command(name)
    .description(description)
    .argument('<name...>', 'functions, or patterns such as mail.*')
    .addHelpText('after', examples(`${name} mail.send`, `${name} 'mail.*' resize`))
    .action(async (names: readonly string[]) => done(await switchFunctions(command, names, what)))
  addAskOptions(command)
}

function addPurge(parent: Command, done: (isGood: boolean) => void): void {
  const command = parent
    .command('purge')
    .description('end all jobs of a function that wait; those that run go on')
    .argument('<name>', 'the function')
    .addHelpText('after', examples('purge mail.send', 'purge mail.send --yes'))
    .action(async (name: string) => done(await purgeFunction(command, name)))
  addYesOption(command)
  addAskOptions(command)
}

function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  geartrain function ${line}`).join('\n')}`
}
