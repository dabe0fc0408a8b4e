import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Disk } from './disk.ts'
import { messageOf, UsageError } from './error.ts'
import { describeMachine, machineLine } from './machine.ts'
import { Measurement, type RowResult } from './measure.ts'
import { type LibraryName, libraryNames, libraryVersions } from './peers.ts'
import { type Row, rows, tenth } from './rows.ts'
import { type ServerName, serverNames, servers } from './servers.ts'
import { type Column, sets } from './sets.ts'
import { markdown, textHeader, textRows } from './table.ts'

const directoryDefault = fileURLToPath(new URL('../../node_modules/.cache/geartrain-bench/', import.meta.url))

const usage = `npm run bench -- [flags]

Runs geartrain and what stands beside it (C gearmand, BullMQ where they are installed, and the floor, a C program that
does no more than relay the packets) in turn on the same work, and prints rate, server CPU per job and latency.

  --runs N          runs of each row on each server, of which the median counts (default 3)
  --only REGEX      only the rows whose name matches
  --servers A,B     only these of ${serverNames.join(', ')}
  --quick           a tenth of the jobs: to see that it works, not to quote
  --directory DIR   where the servers keep their jobs, on a disk (default node_modules/.cache/geartrain-bench)
  --markdown        the tables for docs/performance.md, with facts about the machine
  --json            everything, each run's numbers too
  --help            this text

Rows:
${rows.map((row) => `  ${row.name}${sets[row.set].isLong ? ' (only if --only asks for it)' : ''}`).join('\n')}
`

/** undefined when only the usage was asked for. */
function readFlags() {
  const values = parse()
  if (values.help) return undefined
  const runs = Number(values.runs)
  if (!Number.isInteger(runs) || runs < 1)
    throw new UsageError(`--runs is a whole number from 1 on, not ${values.runs}`)
  const asked = values.servers.split(',')
  const unknown = asked.find((name) => !serverNames.some((known) => known === name))
  if (unknown !== undefined) throw new UsageError(`--servers knows ${serverNames.join(', ')} and not ${unknown}`)
  const wanted = serverNames.filter((name) => asked.includes(name))
  const chosen = rowsOf(values.only).filter((row) => columnsOf(row, wanted, libraryNames).length > 0)
  if (chosen.length === 0)
    throw new UsageError(`no row matches --only ${values.only ?? ''} --servers ${values.servers}`)
  const format = values.json ? 'json' : values.markdown ? 'markdown' : 'text'
  return {
    runs,
    rows: values.quick ? chosen.map(tenth) : chosen,
    servers: wanted,
    isQuick: values.quick,
    directory: values.directory,
    format,
  } as const
}

function parse() {
  try {
    return parseArgs({
      options: {
        runs: { type: 'string', default: '3' },
        only: { type: 'string' },
        servers: { type: 'string', default: serverNames.join(',') },
        quick: { type: 'boolean', default: false },
        directory: { type: 'string', default: directoryDefault },
        markdown: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    throw new UsageError(messageOf(error), { cause: error })
  }
}

function rowsOf(only: string | undefined): Row[] {
  if (only === undefined) return rows.filter((row) => !sets[row.set].isLong)
  const pattern = new RegExp(only, 'i')
  return rows.filter((row) => pattern.test(row.name))
}

function columnsOf(row: Row, present: readonly ServerName[], libraries: readonly LibraryName[]): Column[] {
  return sets[row.set].columns.filter(
    ({ server, library, modes }) =>
      present.includes(server) &&
      (library === undefined || libraries.includes(library)) &&
      (modes === undefined || modes.includes(row.mode)),
  )
}

type Flags = NonNullable<ReturnType<typeof readFlags>>

async function bench(flags: Flags): Promise<void> {
  if (process.platform !== 'linux') throw new Error('the load generator needs epoll and /proc, so Linux')
  const disk = await Disk.open(flags.directory)
  const { present, libraries, versions } = await findPresent(flags)
  const machine = describeMachine(versions, await disk.syncMs())
  if (flags.format === 'text') {
    const rough = flags.isQuick ? '; a tenth of the jobs, so rough' : ''
    console.log(`${machineLine(machine)}\nmedians of ${flags.runs}${rough}`)
  }

  const measurement = new Measurement(disk)
  const results: RowResult[] = []
  for (const [index, row] of flags.rows.entries()) {
    const next = flags.rows[index + 1]
    if (flags.format !== 'text') console.error(row.name)
    else if (row.set !== flags.rows[index - 1]?.set) console.log(`\n${textHeader(row.set)}`)
    const result = await measurement.measure(row, columnsOf(row, present, libraries), flags.runs, next)
    results.push(result)
    reportFailures(result)
    if (flags.format !== 'text') continue
    console.log(textRows(result))
    if (row.set !== next?.set) console.log(`\n${sets[row.set].legend}`)
  }

  if (flags.format === 'markdown') console.log(markdown(machine, command(), results))
  if (flags.format === 'json') {
    console.log(JSON.stringify({ machine, runs: flags.runs, quick: flags.isQuick, results }, null, 2))
  }
}

/** Of the servers and libraries that the rows need those that are here; says which are not. */
async function findPresent(flags: Flags) {
  const needed = flags.rows.flatMap((row) => columnsOf(row, flags.servers, libraryNames))
  const versions: Record<string, string> = {}
  const keepPresent = async <Name extends string>(
    names: readonly Name[],
    versionsOf: (name: Name) => Promise<Readonly<Record<string, string>>>,
  ) => {
    const present: Name[] = []
    for (const name of new Set(names)) {
      try {
        Object.assign(versions, await versionsOf(name))
        present.push(name)
      } catch (error) {
        console.error(`${name} is left out: ${messageOf(error)}`)
      }
    }
    return present
  }
  const present = await keepPresent(
    needed.map((column) => column.server),
    (name) => servers[name].versions(),
  )
  const neededLibraries = needed.map((column) => column.library).filter((name) => name !== undefined)
  return { present, libraries: await keepPresent(neededLibraries, libraryVersions), versions }
}

/** A wrong answer is the bench's failure, whichever server gave it: its exit code says so. */
function reportFailures(result: RowResult): void {
  for (const [title, outcome] of Object.entries(result.outcomes)) {
    if (!('failure' in outcome)) continue
    console.error(`${result.row.name}, ${title}: ${outcome.failure}`)
    process.exitCode = 1
  }
}

function command(): string {
  const args = process.argv.slice(2).map((argument) => (/^[\w,.=/-]+$/.test(argument) ? argument : `'${argument}'`))
  return ['npm run bench --', ...args].join(' ')
}

try {
  const flags = readFlags()
  if (flags === undefined) console.log(usage)
  else await bench(flags)
} catch (error) {
  console.error(`bench: ${messageOf(error)}`)
  process.exitCode = error instanceof UsageError ? 2 : 1
}
