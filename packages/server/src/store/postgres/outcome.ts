import { RecordReader } from '../records.ts'
import {
  type Batch,
  type BatchResult,
  nothingWritten,
  type StoreAnswer,
  StoreError,
  type StoreRequest,
} from '../store.ts'
import { bigints } from './arrays.ts'
import type { Link, Statement } from './link.ts'

const findNumbers: Statement = {
  name: 'outcome find numbers',
  text: `SELECT number FROM geartrain.jobs WHERE number = ANY($1::bigint[])
    UNION ALL SELECT number FROM geartrain.dead WHERE number = ANY($1::bigint[])
    UNION ALL SELECT number FROM geartrain.results WHERE number = ANY($1::bigint[])`,
}

/** An addition of which there is nothing under its number. */
interface Missing {
  readonly index: number
  readonly number: number
  readonly function: string
  readonly unique: string
  readonly workload: Uint8Array
  readonly isThrottled: boolean
}

/**
 * What is known of a batch that was committed and whose answers were lost, as far as the database still shows it. An
 * addition that is not there has joined the job that is there with its unique; if there is none it was added, and has
 * ended since. What else was asked for was done. What a claim has given out can be claimed again.
 */
export async function outcomeOf(
  batch: Batch,
  link: Link,
  ask: (request: StoreRequest) => Promise<StoreAnswer>,
): Promise<Omit<BatchResult, 'answers'>> {
  const joined: number[] = []
  const throttled: number[] = []
  await Promise.all(
    (await missingOf(link, batch)).map(async (addition) => {
      const { index, number, function: name, unique, workload, isThrottled } = addition
      const found = foundIn(await ask({ kind: 'find same', function: name, unique, workload }))
      if (found !== undefined) return joined.push(index, found)
      if (!isThrottled) return
      const kept = foundIn(await ask({ kind: 'describe unique', unique, function: name }))
      if (kept !== undefined && kept !== number) throttled.push(index, kept)
    }),
  )
  return {
    ...nothingWritten,
    joined: Float64Array.from(joined),
    throttled: Float64Array.from(throttled),
    changed: batch.changes.map(() => 'done'),
  }
}

async function missingOf(link: Link, batch: Batch): Promise<Missing[]> {
  const all: Missing[] = []
  const reader = new RecordReader(batch.additions)
  for (let index = 0; reader.next(); index++) {
    const { number, unique, workload, isThrottled } = reader
    const name = batch.functions[reader.function] ?? ''
    all.push({ index, number, function: name, unique, workload, isThrottled })
  }
  if (all.length === 0) return []
  const { rows } = await link.run<[number]>(findNumbers, bigints(all.map(({ number }) => number)))
  const there = new Set(rows.map(([number]) => number))
  return all.filter(({ number, unique }) => !there.has(number) && unique !== '')
}

function foundIn(answer: StoreAnswer): number | undefined {
  if (answer.kind === 'failed') throw new StoreError(answer.failure.code, answer.failure.message)
  return answer.kind === 'find' || answer.kind === 'describe' ? answer.job?.number : undefined
}
