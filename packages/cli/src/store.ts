import { type Command, InvalidArgumentError, Option } from 'commander'
import { exitCodes, Fault } from './fault.ts'
import { addPlaceOptions, findStorePath } from './store/place.ts'

/** `geartrain store`: looks after the files in which servers keep background jobs. `finish` gets the exit code. */
export function storeCommand(program: Command, finish: (exitCode: number) => void): Command {
  const store = program
    .createCommand('store')
    .copyInheritedSettings(program)
    .description('look after the file in which a server keeps its background jobs')
    .helpCommand(false)
    .addHelpText(
      'after',
      `
Without --store it is the one that geartrain serve would use: GEARTRAIN_STORE, the configuration file, ./geartrain.db.
check, stats, export and backup work while a server runs; import needs the store for itself.

Examples:
  geartrain store stats
  geartrain store check --store sqlite:/var/lib/geartrain/geartrain.db
  geartrain store backup /backup/geartrain.db`,
    )
  addCheck(store, finish)
  addStats(store)
  addExport(store, finish)
  addImport(store)
  addBackup(store)
  return store
}

function addCheck(store: Command, finish: (exitCode: number) => void): void {
  const check = store
    .command('check')
    .description('read everything and say whether it fits together; exit code 1 if not')
    .argument('[store]', 'the store, as with --store')
    .option('--full', "compare SQLite's indexes with its tables as well, which takes longer")
    .option('--json', 'say it in JSON')
    .addHelpText('after', examples('check', 'check --full geartrain.db', 'check --json'))
    .action(async (argument: string | undefined) => {
      const path = await findStorePath(check, argument)
      const { check: run } = await import('./store/check.ts')
      finish(run(path, { full: isGiven(check, 'full'), json: isGiven(check, 'json') }))
    })
  addPlaceOptions(check)
}

function addStats(store: Command): void {
  const stats = store
    .command('stats')
    .description('say how many jobs there are, of which functions')
    .argument('[store]', 'the store, as with --store')
    .option('--json', 'say it in JSON')
    .addHelpText('after', examples('stats', 'stats --json | jq .functions'))
    .action(async (argument: string | undefined) => {
      const path = await findStorePath(stats, argument)
      const { stats: run } = await import('./store/stats.ts')
      run(path, { json: isGiven(stats, 'json') })
    })
  addPlaceOptions(stats)
}

function addExport(store: Command, finish: (exitCode: number) => void): void {
  const command = store
    .command('export')
    .description('write all jobs as lines of JSON')
    .argument('[file]', 'where to; - is stdout', '-')
    .option('--force', 'replace the file if it is there')
    .option('--salvage', "of a damaged store: leave out the jobs that can't be read, and name them")
    .addHelpText('after', examples('export jobs.jsonl', 'export | gzip > jobs.jsonl.gz'))
    .action(async (file: string) => {
      const path = await findStorePath(command)
      const { exportJobs } = await import('./store/export.ts')
      const flags = { isForced: isGiven(command, 'force'), isSalvage: isGiven(command, 'salvage') }
      finish(await exportJobs(path, file, flags))
    })
  addPlaceOptions(command)
}

function addImport(store: Command): void {
  const queueFlag = '--from-gearmand-sqlite'
  const command = store
    .command('import')
    .description('take in jobs: lines of JSON, or the queue of a C gearmand')
    .argument('[file]', 'where from; - is stdin')
    .option(`${queueFlag} <file>`, 'the database that gearmand has as --libsqlite3-db; it stays as it is')
    .option('--table <name>', 'its table (default: gearman_queue)')
    .addOption(new Option('--from-line <n>', 'pass over the lines before this one').argParser(lineNumber))
    .option('--dry-run', 'only read and say what would be done')
    .option('--json', 'say the outcome in JSON')
    .addHelpText(
      'after',
      examples('import jobs.jsonl', 'import - < jobs.jsonl', `import ${queueFlag} /var/lib/gearman/queue.db`),
    )
    .action(async (argument: string | undefined) => {
      const [queue, table, line] = ['fromGearmandSqlite', 'table', 'fromLine'].map((name): unknown =>
        command.getOptionValue(name),
      )
      if (typeof queue === 'string' && (argument !== undefined || line !== undefined)) {
        throw new Fault(`${queueFlag} goes without another file and without --from-line`, exitCodes.usage)
      }
      if (queue === undefined && table !== undefined) throw new Fault(`--table goes with ${queueFlag}`, exitCodes.usage)
      const path = await findStorePath(command)
      const flags = { isDryRun: isGiven(command, 'dryRun'), isJson: isGiven(command, 'json') }
      const { importLines, importQueue } = await import('./store/import.ts')
      if (typeof queue === 'string') {
        await importQueue(path, queue, typeof table === 'string' ? table : undefined, flags)
      } else {
        await importLines(path, argument ?? '-', typeof line === 'number' ? line : 1, flags)
      }
    })
  addPlaceOptions(command)
}

function addBackup(store: Command): void {
  const command = store
    .command('backup')
    .description('copy the store into a file that is a store itself')
    .argument('<file>', 'where to')
    .option('--force', 'replace the file if it is there')
    .option('--json', 'say the outcome in JSON')
    .addHelpText('after', examples('backup /backup/geartrain.db', 'backup --force /backup/geartrain.db'))
    .action(async (file: string) => {
      const path = await findStorePath(command)
      const { backup } = await import('./store/backup.ts')
      await backup(path, file, { force: isGiven(command, 'force'), json: isGiven(command, 'json') })
    })
  addPlaceOptions(command)
}

function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  geartrain store ${line}`).join('\n')}`
}

function isGiven(command: Command, option: string): boolean {
  return command.getOptionValue(option) === true
}

function lineNumber(text: string): number {
  const number = /^\d{1,15}$/.test(text) ? Number(text) : 0
  if (number < 1) throw new InvalidArgumentError('It must be a whole number from 1 on.')
  return number
}
