import type { Command } from 'commander'
import { addAskOptions, askAdmins, printRows } from './ask-servers.ts'
import { exitCodes } from './fault.ts'
import { showText } from './table.ts'

/** `geartrain workers`: who does which functions. */
export function workersCommand(program: Command, finish: (exitCode: number) => void): Command {
  const command = program
    .createCommand('workers')
    .copyInheritedSettings(program)
    .description('show the workers that are connected, with their functions')
    .addHelpText(
      'after',
      `
The exit code is 1 if a server does not answer, and 4 if none does.

Examples:
  geartrain workers
  geartrain workers --json | jq '.[] | select(.functions | index("resize"))'`,
    )
    .action(async () => {
      const { answers, areAll } = await askAdmins(command, (admin, options) => admin.workers(options))
      const rows = answers.flatMap(({ server, value }) =>
        value
          // Clients are listed as well, and this command.
          .filter(({ functions }) => functions.length > 0)
          .map(({ fd, ip, clientId, functions }) => ({ fd, ip, client_id: clientId ?? null, functions, server })),
      )
      printRows(command, rows, [
        ['fd', ({ fd }) => fd],
        ['address', ({ ip }) => ip],
        ['name', ({ client_id: name }) => (name === null ? '-' : showText(name))],
        ['functions', ({ functions }) => functions.map(showText).join(' ')],
      ])
      if (!areAll) finish(exitCodes.failed)
    })
  return addAskOptions(command)
}
