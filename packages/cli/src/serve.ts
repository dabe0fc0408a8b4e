import { isPostgresUrl, readConfigFile, settingNames, toServerOptions } from '@geartrain/server'
import { Command } from 'commander'
import { exitCodes, refuseArguments } from './fault.ts'
import { giveHeapRoom } from './heap.ts'
import { run } from './run.ts'
import { addSettingFlags, openSettingsLog, readSettings } from './settings-flags.ts'

/** `geartrain serve`: every setting is a flag. `finish` gets the exit code. */
export function serveCommand(finish: (exitCode: number) => void): Command {
  const command = new Command('serve').description('run a job server')
  addSettingFlags(command, settingNames)
  command.addHelpText(
    'after',
    `
Each setting is also an environment variable (--port is GEARTRAIN_PORT) and a key in the configuration file (port).
Flags win over the environment, the environment over the file.

Examples:
  geartrain serve                                     on 127.0.0.1:4730
  geartrain serve --log-format json                   with a log for programs
  geartrain serve --config /etc/geartrain.toml --grace 1m
  geartrain serve --config access.toml --listen '*'   for other machines too: the file says who may do what
  geartrain serve --listen '*' --insecure             the same for everyone, who may then do everything

A server that others can reach needs rules: tables [access.NAME] in the file, with hashes of geartrain token, networks
or certificates, and roles.`,
  )
  return command.action(async () => finish(await serve(command)))
}

async function serve(command: Command): Promise<number> {
  refuseArguments(command, exitCodes.usage)
  const { values, functions, schedules, access, notes, file } = await readSettings(command)
  const openedLog = await openSettingsLog(values)
  if (isPostgresUrl(values.store)) giveHeapRoom()
  return run({
    server: { ...toServerOptions(values), functions, schedules, access },
    openedLog,
    graceMs: values.grace,
    notes,
    ...(file === undefined ? {} : { readAccess: async () => (await readConfigFile(file)).access }),
  })
}
