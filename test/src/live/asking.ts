import type { Finding } from '@geartrain/protocol'
import type { Api } from '../http/api.ts'
import type { EventStage } from '../http/event-stage.ts'
import { PACKET, type RawPeer } from '../support/raw.ts'

export const second = 1000
export const minute = 60 * second
export const hour = 60 * minute

/** What both ways of asking tell, without what the machine of the test may add. */
export function told(answer: unknown): Finding[] {
  // As the description of the API has it.
  const { findings } = answer as { readonly findings: readonly Finding[] }
  return findings.filter(({ kind }) => kind !== 'slow server')
}

export async function ask(api: Api, token = ''): Promise<Finding[]> {
  const headers: Record<string, string> = token === '' ? {} : { authorization: `Bearer ${token}` }
  return told(await api.json('listFindings', { headers }))
}

export function brief(findings: readonly Finding[]): (string | number | undefined)[][] {
  return findings.map(({ kind, function: name, count }) => [kind, name, count])
}

export async function work(stage: EventStage, ...names: string[]): Promise<RawPeer> {
  const worker = await stage.local.connect('worker')
  for (const name of names) worker.send(PACKET.CAN_DO, name)
  await worker.sync()
  return worker
}

export async function grab(worker: RawPeer): Promise<string> {
  worker.send(PACKET.GRAB_JOB)
  return (await worker.receive('JOB_ASSIGN')).args[0] ?? ''
}
