import type { Command } from 'commander'
import { addAskOptions, askAdmins, readAskFlags, spokenName } from './ask-servers.ts'
import { exitCodes } from './fault.ts'
import { complain, print } from './output.ts'
import { showText } from './table.ts'

/** `geartrain cancel`, and `geartrain job cancel`: on whichever server has the job. */
export function cancelCommand(parent: Command, finish: (exitCode: number) => void): Command {
  const command = parent
    .createCommand('cancel')
    .copyInheritedSettings(parent)
    .description('fail jobs that have not ended; whoever waits for one is told')
    .argument('<handle...>', 'jobs, by the handles that their submitters got')
    .addHelpText(
      'after',
      `
The exit code is 1 if no server has one of the jobs or a server does not answer, and 4 if none does.

Examples:
  geartrain cancel H:queue:17
  geartrain jobs --json | jq -r '.[].handle' | xargs geartrain cancel`,
    )
    .action(async (handles: readonly string[]) => {
      const { answers, areAll } = await askAdmins(command, (admin, options) =>
        Promise.all(handles.map((handle) => admin.cancel(handle, options))),
      )
      const { servers, isJson } = readAskFlags(command)
      const rows = handles.map((handle, i) => {
        const server = answers.find(({ value }) => value[i] === true)?.server ?? null
        return { handle, cancelled: server !== null, server }
      })
      if (isJson) print(JSON.stringify(rows))
      for (const { handle, server } of rows) {
        if (server === null)
          complain(spokenName(command), `no server has the job ${showText(handle)}: it has ended, or it never was`)
        else if (!isJson) print(`cancelled ${showText(handle)}${servers.length > 1 ? ` on ${server}` : ''}`)
      }
      if (!areAll || rows.some(({ cancelled }) => !cancelled)) finish(exitCodes.failed)
    })
  return addAskOptions(command)
}
