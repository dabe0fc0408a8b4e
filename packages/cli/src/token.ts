import { hashToken, makeToken } from '@geartrain/server'
import type { Command } from 'commander'
import { print } from './output.ts'

/** `geartrain token`: makes a token, and what the server's configuration is to say of it. */
export function tokenCommand(program: Command): Command {
  const command = program
    .createCommand('token')
    .copyInheritedSettings(program)
    .description('make a token, and the rule that lets it in')
    .option('--name <name>', 'name of the rule, which the log calls the token by', 'NAME')
    .option('--json', 'say it in JSON')
    .addHelpText('after', help)
    .action(() => {
      const { name, json } = command.opts<{ name: string; json?: boolean }>()
      const token = makeToken()
      const hash = hashToken(token)
      if (json === true) return print(JSON.stringify({ name, token, hash }))
      print(token)
      print('')
      for (const line of ruleLines(name, hash)) print(line)
    })
  return command
}

const help = `
The first line is the token, which is shown only now: keep it where secrets are kept. The rest goes into the server's
configuration file, which has only the hash of it, and says what the token is for: some of the roles submit, work, view,
operate and admin, and on which functions.

Examples:
  geartrain token --name ci
  geartrain token --name ci | tee >(head -1 > ci.token) | tail -n +3 >> geartrain.toml
  geartrain token --json | jq -r .token
  GEARTRAIN_TOKEN=$(cat ci.token) geartrain status`

function ruleLines(name: string, hash: string): string[] {
  return [
    '# In the configuration file of the server:',
    `[access.${/^[\w-]+$/.test(name) ? name : JSON.stringify(name)}]`,
    `token = "${hash}"`,
    'roles = ["submit"]',
  ]
}
