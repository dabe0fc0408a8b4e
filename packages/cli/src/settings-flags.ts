import {
  type AnySetting,
  type ConfigPolicies,
  environmentName,
  type Given,
  noConfigFile,
  type OpenLog,
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
import { type Command, Option } from 'commander'
import { exitCodes, Fault } from './fault.ts'

// Settings as flags of a command, beside the environment and a configuration file.

export interface GivenSettings {
  readonly values: SettingValues
  readonly functions: ConfigPolicies
  readonly schedules: ServerOptions['schedules']
  readonly access: ServerOptions['access']
  readonly notes: readonly string[]
  /** The configuration file, if there is one. */
  readonly file: string | undefined
}

/** `--config`, and a flag for each of the settings. */
export function addSettingFlags(command: Command, names: readonly SettingName[]): void {
  command.addOption(new Option('--config <file>', 'configuration file, in TOML'))
  for (const name of names) for (const option of flagsOf(name)) command.addOption(option)
}

/** Throws a Fault that says what is wrong with what was given. */
export async function readSettings(command: Command): Promise<GivenSettings> {
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

/** The log that the settings say. Throws a Fault if it can't be written. */
export async function openSettingsLog(values: SettingValues): Promise<OpenLog> {
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
