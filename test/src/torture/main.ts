import { createWriteStream } from 'node:fs'
import { TortureCommand } from './command.ts'
import { failureReport, summary } from './report.ts'
import { torture } from './torture.ts'

const usage = `npm run torture -- --minutes 60             kills the server for an hour, from a seed of its own
npm run torture -- --seed 123 --rounds 60   the rounds of that seed, so many of them

  --minutes <n>    how long; 1 unless --rounds is given
  --rounds <n>     how many rounds at most
  --seed <n>       what is done is drawn from it; when it happens beside what is the machine's, so that a run is never
                   quite the same again
  --store <kind>   sqlite, or memory, with which nothing is killed (default: sqlite)
  --trace <file>   everything that happens, a line for each event
  --json           the result as JSON
`

const progressMs = 10_000
// With its type: what `refuse` ends need not be thought of from there on.
const command: TortureCommand<'store' | 'trace'> = new TortureCommand(usage, ['store', 'trace'])
const { bounds } = command
const store = command.option('store') ?? 'sqlite'
if (store !== 'sqlite' && store !== 'memory') command.refuse(`--store takes sqlite or memory, not ${store}`)

const file = command.option('trace')
const trace = file === undefined ? undefined : createWriteStream(file, { encoding: 'latin1' })
let nextProgressMs = Date.now() + progressMs
command.say(`torture: seed ${bounds.seed}`)
const result = await torture({
  ...bounds,
  store,
  ...(trace === undefined ? {} : { print: (event: string) => trace.write(`${event}\n`) }),
  onRound({ round, kills, jobs, live }) {
    if (Date.now() < nextProgressMs) return
    nextProgressMs = Date.now() + progressMs
    command.say(`round ${round}: ${kills} kills, ${jobs} jobs, ${live} of them alive`)
  },
})
trace?.end()
command.tell(result, summary, failureReport)
