import type { Command } from 'commander'
import { addConfigOption, findDatabase } from './store/place.ts'

/** `geartrain doctor`: looks at the database of a cluster. `finish` gets the exit code. */
export function doctorCommand(program: Command, finish: (exitCode: number) => void): Command {
  const command = program
    .createCommand('doctor')
    .copyInheritedSettings(program)
    .description(
      'look at the PostgreSQL database of --store, and say what is wrong and what the loss of a machine would cost',
    )
    .argument('[store]', 'the database, as with --store')
    .option('--store <url>', 'the database: postgres://HOST/DATABASE (default: the store of geartrain serve)')
    .option('--json', 'say it in JSON')
    .addHelpText('after', help)
    .action(async (argument: string | undefined) => {
      const url = await findDatabase(command, argument)
      const { doctor } = await import('./doctor/report.ts')
      finish(await doctor(url, { isJson: command.getOptionValue('json') === true }))
    })
  return addConfigOption(command)
}

const help = `
Without --store it is the database that geartrain serve would use: GEARTRAIN_STORE, or the configuration file. Nothing is
changed in it. The exit code is 1 if there is a problem: something that hurts now, or loses jobs. For a store in a file
there is geartrain store check.

Examples:
  geartrain doctor --store postgres://geartrain@db1,db2/jobs
  geartrain doctor --config /etc/geartrain/geartrain.toml
  geartrain doctor --json | jq '.findings[] | select(.level == "problem")'`
