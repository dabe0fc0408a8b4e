import { readdirSync, readFileSync } from 'node:fs'
import { eventually } from './eventually.ts'

// A postmaster and its backends, which are its children, as /proc shows them: on Linux only.

type Member = { readonly pid: number; readonly parent: number; readonly state: string }

/** Stops all of them where they stand; gives their pids. */
export async function freeze(postmaster: number): Promise<readonly number[]> {
  if (process.platform !== 'linux') throw new Error('PostgreSQL can be paused on Linux only, where /proc is')
  // Those that it starts until it has stopped are found in the next round.
  return eventually('all processes of PostgreSQL stand still', () => {
    const members = family(postmaster)
    const awake = members.filter(({ state }) => state !== 'T')
    signal(awake, 'SIGSTOP')
    return awake.length === 0 ? members.map(({ pid }) => pid) : undefined
  })
}

export function thaw(postmaster: number): void {
  // Those who are woken first must not find the postmaster asleep.
  signal(family(postmaster), 'SIGCONT')
}

/** Kills those that `freeze` gave, and waits until none is there. */
export async function killFrozen(pids: readonly number[]): Promise<void> {
  signal(
    pids.map((pid) => ({ pid })),
    'SIGKILL',
  )
  await eventually(
    'all processes of PostgreSQL have ended',
    () => pids.every((pid) => member(pid) === undefined) || undefined,
  )
}

function signal(members: readonly { readonly pid: number }[], name: NodeJS.Signals): void {
  for (const { pid } of members) {
    try {
      process.kill(pid, name)
    } catch (error) {
      // It has ended by itself.
      if (!(error instanceof Error) || !('code' in error) || error.code !== 'ESRCH') throw error
    }
  }
}

/** The postmaster first, then its children. */
function family(postmaster: number): readonly Member[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => member(Number(name)))
    .filter((found) => found !== undefined)
  return [...all.filter(({ pid }) => pid === postmaster), ...all.filter(({ parent }) => parent === postmaster)]
}

/** Undefined if it has ended, also if nobody has waited for it yet, as in a container without an init. */
function member(pid: number): Member | undefined {
  try {
    // `1234 (name) S 1 ...`, where the name can have anything in it.
    const [, state = '', parent] = /.*\) (\S) (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? []
    return state === 'Z' || state === 'X' ? undefined : { pid, parent: Number(parent), state }
  } catch {
    return undefined
  }
}
