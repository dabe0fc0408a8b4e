import { parseArgs } from 'node:util'
import { messageOf, UsageError } from './error.ts'
import { describeMachine } from './machine.ts'
import { measure, type RowResult } from './measure.ts'
import { compile } from './native.ts'
import { rows, tenth } from './rows.ts'
import { gearmandVersion, type ServerName, serverNames } from './servers.ts'
import { legend, markdown, textHeader, textRows } from './table.ts'

const usage = `npm run bench -- [flags]

Runs geartrain, C gearmand (where it is installed) and the floor, a C program that does no more than relay the packets, in
turn on the same work, and prints rate, server CPU per job and latency.

  --runs N        runs of each row on each server, of which the median counts (default 3)
  --only REGEX    only the rows whose name matches
  --servers A,B   only these of ${serverNames.join(', ')}
  --quick         a tenth of the jobs: to see that it works, not to quote
  --markdown      the table for docs/performance.md, with facts about the machine
  --json          everything, each run's numbers too
  --help          this text

Rows:
${rows.map((row) => `  ${row.name}`).join('\n')}
`

/** undefined when only the usage was asked for. */
function readFlags() {
  const values = parse()
  if (values.help) return undefined
  const runs = Number(values.runs)
  if (!Number.isInteger(runs) || runs < 1)
    throw new UsageError(`--runs is a whole number from 1 on, not ${values.runs}`)
  const only = new RegExp(values.only, 'i')
  const chosen = rows.filter((row) => only.test(row.name)).map((row) => (values.quick ? tenth(row) : row))
  if (chosen.length === 0) throw new UsageError(`--only ${values.only} matches no row`)
  const asked = values.servers.split(',')
  const unknown = asked.find((name) => !serverNames.some((known) => known === name))
  if (unknown !== undefined) throw new UsageError(`--servers knows ${serverNames.join(', ')} and not ${unknown}`)
  const servers = serverNames.filter((name) => asked.includes(name))
  const format = values.json ? 'json' : values.markdown ? 'markdown' : 'text'
  return { runs, rows: chosen, servers, isQuick: values.quick, format } as const
}

function parse() {
  try {
    return parseArgs({
      options: {
        runs: { type: 'string', default: '3' },
        only: { type: 'string', default: '' },
        servers: { type: 'string', default: serverNames.join(',') },
        quick: { type: 'boolean', default: false },
        markdown: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    throw new UsageError(messageOf(error), { cause: error })
  }
}

type Flags = NonNullable<ReturnType<typeof readFlags>>

async function bench(flags: Flags): Promise<void> {
  if (process.platform !== 'linux') throw new Error('the load generator needs epoll and /proc, so Linux')
  const generator = await compile('load')
  const version = await gearmandVersion()
  const servers = flags.servers.filter((name) => name !== 'gearmand' || version !== undefined)
  if (servers.length < flags.servers.length) {
    console.error('gearmand is not installed, so nothing stands beside us: apt-get install gearman-job-server')
  }
  const machine = describeMachine(version)
  if (flags.format === 'text') console.log(header(flags, machine))

  const results: RowResult[] = []
  for (const row of flags.rows) {
    if (flags.format !== 'text') console.error(row.name)
    const result = await measure(row, servers, flags.runs, generator)
    results.push(result)
    reportFailures(result, servers)
    if (flags.format === 'text') console.log(textRows(result))
  }

  if (flags.format === 'text') console.log(`\n${legend}`)
  if (flags.format === 'markdown') console.log(markdown(machine, command(), results))
  if (flags.format === 'json') {
    console.log(JSON.stringify({ machine, runs: flags.runs, quick: flags.isQuick, results }, null, 2))
  }
}

function header(flags: Flags, machine: ReturnType<typeof describeMachine>): string {
  const rough = flags.isQuick ? '; a tenth of the jobs, so rough' : ''
  return [
    `${machine.cpu}, ${machine.cores} cores, ${machine.kernel}, Node ${machine.node}, gearmand ${machine.gearmand}`,
    `medians of ${flags.runs}${rough}`,
    '',
    textHeader(),
  ].join('\n')
}

/** A wrong answer is the bench's failure, whichever server gave it: its exit code says so. */
function reportFailures(result: RowResult, servers: readonly ServerName[]): void {
  for (const name of servers) {
    const outcome = result.outcomes[name]
    if (outcome === undefined || !('failure' in outcome)) continue
    console.error(`${result.row.name}, ${name}: ${outcome.failure}`)
    process.exitCode = 1
  }
}

function command(): string {
  return ['npm run bench --', ...process.argv.slice(2)].join(' ')
}

try {
  const flags = readFlags()
  if (flags === undefined) console.log(usage)
  else await bench(flags)
} catch (error) {
  console.error(`bench: ${messageOf(error)}`)
  process.exitCode = error instanceof UsageError ? 2 : 1
}
