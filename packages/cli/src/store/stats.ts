import type { FunctionStats, StoreStats } from '@geartrain/server'
import { count, showBytes } from '../numbers.ts'
import { align, showText } from '../table.ts'
import { bytesField } from './job-line.ts'
import { openSnapshot, storeFault } from './place.ts'

/** Says what is in a store. */
export function stats(path: string, { json }: { json: boolean }): void {
  using snapshot = openSnapshot(path)
  try {
    const found = snapshot.stats()
    process.stdout.write(json ? `${JSON.stringify(toJson(path, found))}\n` : toText(path, found))
  } catch (error) {
    throw storeFault(error)
  }
}

function toJson(path: string, found: StoreStats) {
  const totals = sum(found.functions)
  return {
    store: `sqlite:${path}`,
    schema: found.schemaVersion,
    pid: found.pid ?? null,
    bytes: found.bytes,
    log_bytes: found.logBytes,
    jobs: totals.ready + totals.delayed,
    ...totals,
    next_due: found.nextDueAt ?? null,
    oldest: found.oldest ?? null,
    functions: found.functions.map(({ name, ready: [high, normal, low], delayed, dead, kept, nextDueAt, oldest }) => ({
      ...bytesField('function', Buffer.from(name, 'latin1')),
      high,
      normal,
      low,
      delayed,
      dead,
      kept,
      next_due: nextDueAt ?? null,
      oldest: oldest ?? null,
    })),
  }
}

function toText(path: string, found: StoreStats): string {
  const { ready, delayed, dead, kept } = sum(found.functions)
  const facts: [string, string][] = [
    ['store', `sqlite:${path}, schema ${found.schemaVersion}`],
    ['in use', found.pid === undefined ? 'no' : `by process ${found.pid}`],
    ['size', `${showBytes(found.bytes)}, and ${showBytes(found.logBytes)} of log`],
    ['jobs', `${count(ready + delayed, 'job')}: ${ready} ready or running, ${delayed} delayed`],
    ['ended', `${dead} dead, ${kept} kept for their results`],
    ['next due', showTime(found.nextDueAt)],
    ['oldest', showNumber(found.oldest)],
  ]
  const rows = found.functions.map(({ name, ready: [high, normal, low], nextDueAt, oldest, ...counts }) => [
    showText(Buffer.from(name, 'latin1').toString('utf8')),
    String(high),
    String(normal),
    String(low),
    String(counts.delayed),
    String(counts.dead),
    String(counts.kept),
    showTime(nextDueAt),
    showNumber(oldest),
  ])
  const head = ['function', 'high', 'normal', 'low', 'delayed', 'dead', 'kept', 'next due', 'oldest']
  const table = rows.length === 0 ? [] : ['', ...align([head, ...rows])]
  return `${[...align(facts), ...table].join('\n')}\n`
}

function sum(functions: readonly FunctionStats[]) {
  const totals = { ready: 0, delayed: 0, dead: 0, kept: 0 }
  for (const each of functions) {
    for (const jobs of each.ready) totals.ready += jobs
    totals.delayed += each.delayed
    totals.dead += each.dead
    totals.kept += each.kept
  }
  return totals
}

function showTime(atMs: number | undefined): string {
  if (atMs === undefined) return '-'
  const date = new Date(atMs)
  return Number.isNaN(date.getTime()) ? `${atMs} ms` : date.toISOString()
}

function showNumber(number: number | undefined): string {
  return number === undefined ? '-' : String(number)
}
