import { missingPostgres } from '../../support/postgres/binaries.ts'
import { TortureCommand } from '../command.ts'
import { deck } from './plan.ts'
import { missingPrograms } from './programs.ts'
import { failureReport, summary } from './report.ts'
import { tortureCluster } from './torture.ts'

const usage = `npm run torture:cluster -- --minutes 60             breaks servers, database and network for an hour, from a seed of its own
npm run torture:cluster -- --seed 123 --rounds 60   the rounds of that seed, so many of them

  --minutes <n>    how long; 1 unless --rounds is given
  --rounds <n>     how many rounds at most
  --seed <n>       what is done is drawn from it; when it happens is the machine's
  --only <kinds>   only these things happen: ${deck.join(', ')}
  --json           the result as JSON
`

const command = new TortureCommand(usage, ['only'])
const { bounds } = command
const only = command
  .option('only')
  ?.split(',')
  .map((kind) => deck.find((each) => each === kind.trim()) ?? command.refuse(`--only does not know ${kind}`))

const missing = missingPostgres()
if (missing !== undefined) command.refuse(missing)
command.say(`torture of a cluster: seed ${bounds.seed}`)
for (const sentence of missingPrograms()) command.say(`left out: ${sentence}`)
const result = await tortureCluster({
  ...bounds,
  ...(only === undefined ? {} : { kinds: only }),
  onRound(round, events, seen) {
    command.say(`round ${round}: ${events}; ${seen.get('acknowledged') ?? 0} jobs so far`)
  },
})
command.tell(result, summary, failureReport)
