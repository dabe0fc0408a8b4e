import { messageOf } from './error.ts'
import { runLoad } from './load.ts'
import { medians, type Sample } from './metrics.ts'
import type { Row } from './rows.ts'
import { type Server, type ServerName, starters } from './servers.ts'

/** A row's outcome on one server: every run's sample and their medians, or what went wrong. */
type Outcome = { readonly median: Sample; readonly runs: readonly Sample[] } | { readonly failure: string }

export type RowResult = { readonly row: Row; readonly outcomes: Partial<Record<ServerName, Outcome>> }

/**
 * Runs a row on all servers in turn (A B C A B C ...), so that whatever else the machine does at a time slows all of them
 * down alike. A server that answers wrongly is out of this row, and the others go on; one that does not start ends it all.
 */
export async function measure(
  row: Row,
  names: readonly ServerName[],
  runs: number,
  generator: string,
): Promise<RowResult> {
  const servers = new Map<ServerName, Server>()
  const samples = new Map<ServerName, Sample[]>(names.map((name) => [name, []]))
  const outcomes: RowResult['outcomes'] = {}
  try {
    for (let run = 0; run < runs; run++) {
      for (const name of names) {
        if (outcomes[name] !== undefined) continue
        const server = servers.get(name) ?? (await starters[name]())
        servers.set(name, server)
        try {
          samples.get(name)?.push(await runLoad(generator, row, server))
        } catch (error) {
          outcomes[name] = { failure: messageOf(error) }
        }
        // What one run has queued is not to be there in the next.
        if (row.mode === 'fill') await release(servers, name)
      }
    }
  } finally {
    for (const name of names) await release(servers, name)
  }
  for (const [name, taken] of samples) outcomes[name] ??= { median: medians(taken), runs: taken }
  return { row, outcomes }
}

async function release(servers: Map<ServerName, Server>, name: ServerName): Promise<void> {
  await servers.get(name)?.stop()
  servers.delete(name)
}
