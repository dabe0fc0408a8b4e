import type { PacketName } from '@geartrain/protocol'
import { type Command, packet } from '../../simulation/command.ts'
import type { Random } from '../../simulation/random.ts'
import { functions } from './functions.ts'
import type { Submission } from './job-account.ts'
import type { World } from './world.ts'

const functionWeights = [
  [5, functions.work],
  [4, functions.once],
  [2, functions.retry],
  [1, functions.tool],
] as const
const backgroundForms = [
  'SUBMIT_JOB_BG',
  'SUBMIT_JOB_HIGH_BG',
  'SUBMIT_JOB_LOW_BG',
] as const satisfies readonly PacketName[]
const foregroundForms = ['SUBMIT_JOB', 'SUBMIT_JOB_HIGH', 'SUBMIT_JOB_LOW'] as const satisfies readonly PacketName[]
const delayedChance = 0.15
const delaySecondsMax = 2
/** So few that they are joined, so many that not all of them are. */
const uniqueCount = 40

/** A background job of any kind, and the packet that submits it. */
export function drawBackground(world: World, random: Random, client: string) {
  const { ledger } = world
  const name = random.weighted<string>(functionWeights)
  const id = ledger.newId('s')
  const unique = drawUnique(name, random, id)
  const isDelayed = random.chance(delayedChance)
  const runAtSeconds = isDelayed ? Math.floor(Date.now() / 1000) + random.between(0, delaySecondsMax) : 0
  const submission = ledger.submitted({
    id,
    client,
    function: name,
    unique: joinable(name, unique),
    runAt: runAtSeconds * 1000,
  })
  const command = isDelayed
    ? packet('SUBMIT_JOB_EPOCH', [name, unique, String(runAtSeconds)], id)
    : packet(random.pick(backgroundForms), [name, unique], id)
  return { submission, command }
}

/** A job that its client waits for. */
export function drawForeground(
  world: World,
  random: Random,
  client: string,
): { submission: Submission; command: Command } {
  const id = world.ledger.newId('f')
  const submission = world.ledger.submitted({ id, client, function: functions.wait, isBackground: false })
  return { submission, command: packet(random.pick(foregroundForms), [functions.wait, ''], id) }
}

/** Some have one that nobody else has. */
function drawUnique(name: string, random: Random, id: string): string {
  if (name === functions.once) return `u${random.between(1, uniqueCount)}`
  return random.chance(0.3) ? `of-${id}` : ''
}

/** The unique under which several may submit: what the ledger goes by. */
function joinable(name: string, unique: string): string {
  return name === functions.once ? unique : ''
}
