import { createInterface } from 'node:readline/promises'
import type { Command } from 'commander'
import { exitCodes, Fault } from './fault.ts'

export function addYesOption(command: Command): Command {
  return command.option('-y, --yes', 'do not ask')
}

/**
 * Asks on the terminal whether what can't be taken back is to be done; throws a Fault if not. Without a terminal
 * --yes has to have said so; with it nothing is asked, nor is `question` called.
 */
export async function confirm(command: Command, question: () => Promise<string>): Promise<void> {
  if (command.getOptionValue('yes') === true) return
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new Fault('this can not be taken back, and there is no terminal to ask on: say --yes', exitCodes.usage)
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  // On Ctrl-C or Ctrl-D there is no answer, nor an end of the line.
  const answer = await new Promise<string | undefined>((resolve, reject) => {
    terminal.once('close', () => resolve(undefined))
    question()
      .then((text) => terminal.question(`${text} [y/N] `))
      .then(resolve, reject)
  }).finally(() => terminal.close())
  if (answer === undefined) process.stderr.write('\n')
  if (!/^y(es)?$/i.test(answer?.trim() ?? '')) throw new Fault('nothing was done', exitCodes.failed)
}
