import { type Command, Option } from 'commander'
import { exitCodes, refuseArguments } from './fault.ts'
import { seconds } from './option-values.ts'
import { listServers, serversOption, tlsOption, tokenOption } from './servers.ts'
import { initialState, type SortKey, sortKeys } from './top/state.ts'

const intervalSecondsMin = 0.25
const intervalSecondsMax = 3600

/** `geartrain top`: what goes on in servers, as it goes on. `finish` gets the exit code. */
export function topCommand(program: Command, finish: (exitCode: number) => void): Command {
  const command = program
    .createCommand('top')
    .copyInheritedSettings(program)
    .description('watch servers: functions, queued and running jobs, workers, rates, and what is stuck')
    .addOption(serversOption())
    .addOption(tokenOption())
    .addOption(tlsOption())
    .addOption(
      new Option('-i, --interval <seconds>', 'time between two frames').default(1000, '1').argParser(intervalMs),
    )
    .addOption(new Option('--sort <key>', 'order of the functions').choices(sortKeys).default('queued'))
    .addOption(new Option('--filter <text>', 'only functions with this in their name').default('', 'none'))
    .option('--once', 'look for one interval, print one frame as text and end')
    .option('--json', 'a line of JSON for each frame; with --once one line')
    .addHelpText('after', help)
    .allowExcessArguments(true)
    .action(async () => {
      refuseArguments(command, exitCodes.usage)
      finish(await top(command))
    })
  return command
}

const help = `
Keys: f functions, w workers, j jobs, s sort, / filter, p pause, + - interval, ? help, q quit.

Any Gearman server will do; functions are summed up over all of them, so a worker of two servers counts twice. Servers
count the jobs that they have, and not those that come and go. IN/S and OUT/S are estimates: the counts are looked at four
times a second, and what changed in between says at least how many jobs have come and ended. Jobs that come and go
between two looks are not seen. (A job that a lost worker gives back counts as one that ended and came.)

STUCK says "no workers" where jobs wait for a function that nobody does, and "still 12s" where there are workers, jobs
wait, and none was begun or has ended for 10 s or longer: perhaps they are long ones, or delayed, which servers count as
queued, or the function is paused, which geartrain function list tells of a Geartrain server.

The list of jobs has no more than 10,000 of them: of a server with more nothing is listed. Colours are off if NO_COLOR is
set. Where stdin or stdout is no terminal it is as with --once.

Examples:
  geartrain top
  geartrain top -s 10.0.0.1,10.0.0.2:4731 -i 5 --sort out
  geartrain top --once --filter mail
  geartrain top --json | jq -c '.functions[] | select(.stuck)'`

async function top(command: Command): Promise<number> {
  const flags = command.opts<{
    servers?: string
    interval: number
    sort: SortKey
    filter: string
    once?: boolean
    json?: boolean
  }>()
  const servers = listServers(flags.servers)
  const state = initialState({ intervalMs: flags.interval, sort: flags.sort, filter: flags.filter })
  const isJson = flags.json === true
  const isTerminal = process.stdin.isTTY && process.stdout.isTTY && process.env['TERM'] !== 'dumb'
  if (isTerminal && !isJson && flags.once !== true) {
    const { showLive } = await import('./top/live.ts')
    return showLive(servers, state)
  }
  const isOnce = flags.once === true || !isJson
  if (isOnce && flags.once !== true) {
    process.stderr.write('geartrain top: this is no terminal to show it on: one frame, as with --once\n')
  }
  const { writeFrames } = await import('./top/batch.ts')
  return writeFrames(servers, state, { isOnce, isJson })
}

function intervalMs(text: string): number {
  const range = ` from ${intervalSecondsMin} to ${intervalSecondsMax}`
  return Math.round(seconds(text, intervalSecondsMin, intervalSecondsMax, range) * 1000)
}
