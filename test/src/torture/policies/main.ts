import { TortureCommand } from '../command.ts'
import { failureReport, summary } from './report.ts'
import { torturePolicies } from './torture.ts'

const usage = `npm run torture:policies -- --minutes 60             kills the server for an hour, from a seed of its own
npm run torture:policies -- --seed 123 --rounds 60   the rounds of that seed, so many of them

  --minutes <n>    how long; 1 unless --rounds is given
  --rounds <n>     how many rounds at most
  --seed <n>       what is done is drawn from it; when it happens is the machine's
  --json           the result as JSON
`

const progressMs = 10_000
const command = new TortureCommand(usage)
const { bounds } = command
let nextProgressMs = Date.now() + progressMs
command.say(`torture of policies: seed ${bounds.seed}`)
const result = await torturePolicies({
  ...bounds,
  onRound(round, seen) {
    if (Date.now() < nextProgressMs) return
    nextProgressMs = Date.now() + progressMs
    command.say(`round ${round}: ${seen.get('kills') ?? 0} kills, ${seen.get('acknowledged') ?? 0} jobs`)
  },
})
command.tell(result, summary, failureReport)
