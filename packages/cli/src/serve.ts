import {
  type AnySetting,
  type ConfigPolicies,
  environmentName,
  type Given,
  noConfigFile,
  openLog,
  readConfigFile,
  readEnvironment,
  readScheduleTables,
  reason,
  resolveSettings,
  type ServerOptions,
  type SettingName,
  SettingsError,
  type SettingValues,
  type Source,
  settingNames,
  settings,
  toServerOptions,
} from '@geartrain/server'
import { Command, Option } from 'commander'
import { exitCodes, Fault, refuseArguments } from './fault.ts'
import { run } from './run.ts'

/** `geartrain serve`: every setting is a flag. `finish` gets the exit code. */
export function serveCommand(finish: (exitCode: number) => void): Command {
  const command = new Command('serve').description('run a job server')
  command.addOption(new Option('--config <file>', 'configuration file, in TOML'))
  for (const name of settingNames) for (const option of flagsOf(name)) command.addOption(option)
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
  const openedLog = await openServeLog(values)
  return run({
    server: { ...toServerOptions(values), functions, schedules, access },
    openedLog,
    graceMs: values.grace,
    notes,
    ...(file === undefined ? {} : { readAccess: async () => (await readConfigFile(file)).access }),
  })
}

interface ServeSettings {
  readonly values: SettingValues
  readonly functions: ConfigPolicies
  readonly schedules: ServerOptions['schedules']
  readonly access: ServerOptions['access']
  readonly notes: readonly string[]
  /** The configuration file, if there is one. */
  readonly file: string | undefined
}

async function readSettings(command: Command): Promise<ServeSettings> {
  try {
    const { source: environment, notes } = readEnvironment(process.env)
    // An option with a value is a string once it is given.
    const given = (command.getOptionValue('config') as string | undefined) ?? process.env[environmentName('config')]
    const file = given === '' ? undefined : given
    const fromFile = file === undefined ? noConfigFile : await readConfigFile(file)
    const values = resolveSettings([givenFlags(command), environment, fromFile.source])
    const schedules = readScheduleTables(fromFile.schedules, toServerOptions(values).limits)
    return { values, functions: fromFile.functions, schedules, access: fromFile.access, notes, file }
  } catch (error) {
    if (error instanceof SettingsError) throw new Fault(error.message, exitCodes.usage, { cause: error })
    throw error
  }
}

async function openServeLog(values: SettingValues) {
  const file = values['log-file']
  try {
    return await openLog({
      level: values['log-level'],
      format: values['log-format'],
      file: file === 'stderr' ? undefined : file,
    })
  } catch (error) {
    throw new Fault(`cannot write the log file ${file}: ${reason(error)}`, exitCodes.failed, { cause: error })
  }
}

/** A switch has a flag for each side; the one that changes nothing by default is not in the help. */
function flagsOf(name: SettingName): Option[] {
  const setting: AnySetting = settings[name]
  const { type, help } = setting
  const group = setting.limit === undefined ? 'Options:' : 'Limits:'
  if (type.placeholder !== undefined) {
    return [new Option(`--${name} <${type.placeholder}>`, `${help} (default: ${setting.defaultText})`).helpGroup(group)]
  }
  return [
    new Option(`--${name}`, help).hideHelp(setting.default === true).helpGroup(group),
    new Option(`--no-${name}`, `do not ${help}`).hideHelp(setting.default === false).helpGroup(group),
  ]
}

function givenFlags(command: Command): Source {
  const source = new Map<SettingName, Given>()
  for (const option of command.options) {
    const name = settingNames.find((each) => each === option.long?.replace(/^--(no-)?/, ''))
    const value: unknown = command.getOptionValue(option.attributeName())
    if (name === undefined || (typeof value !== 'string' && typeof value !== 'boolean')) continue
    source.set(name, { text: String(value), where: `--${name}` })
  }
  return source
}
