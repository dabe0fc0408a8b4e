import type { Readable } from 'node:stream'
import { type Client, GeartrainError, type JobEnd, ServerError, TimeoutError } from '@geartrain/client'
import { exitCodes, Fault } from '../fault.ts'
import { readLines } from '../lines.ts'
import { count } from '../numbers.ts'
import { complain, print } from '../output.ts'
import type { Progress } from '../progress.ts'
import { serverFault } from '../servers.ts'
import { errorJson, eventJson } from './event-json.ts'
import { inputFault } from './input.ts'
import { type Order, submit, submitBackground } from './order.ts'
import { textOf } from './text-of.ts'

interface EachLineOptions {
  /** Lines whose jobs have been submitted and that have not been printed. */
  readonly inFlight: number
  /** From which the lines come, unless it is stdin. */
  readonly file: string | undefined
  readonly isJson: boolean
  readonly progress: Progress
}

/** How it came out for a line: its job's end, its handle, or why it has none of these. */
type Outcome =
  | JobEnd
  | { readonly type: 'created'; readonly handle: string }
  | { readonly type: 'error'; readonly error: GeartrainError }

/** Submits a job for each line and prints how they came out, in the order of the lines. Resolves with the exit code. */
export async function doEachLine(
  client: Client,
  order: Order,
  input: Readable,
  { inFlight, file, isJson, progress }: EachLineOptions,
): Promise<number> {
  const printer = new Printer(isJson, progress)
  // Of the lines in flight, the oldest first: they resolve when the line has been printed.
  const printed: Promise<void>[] = []
  let last = Promise.resolve()
  let line = 0
  const printNext = async (number: number, outcome: Promise<Outcome>, before: Promise<void>) => {
    await before
    printer.print(number, await outcome)
    // The reader may be waiting for lines that are no longer wanted.
    if (printer.fault !== undefined) input.destroy(printer.fault)
  }
  try {
    for await (const lines of readLines(input)) {
      for (const bytes of lines) {
        if (printed.length >= inFlight) await printed.shift()
        if (printer.fault !== undefined) throw printer.fault
        line++
        last = printNext(line, doLine(client, order, bytes, line), last)
        printed.push(last)
      }
    }
  } catch (error) {
    throw inputFault(error, file)
  }
  await last
  if (printer.fault !== undefined) throw printer.fault
  progress.clear()
  if (printer.failed === 0) return 0
  complain('do', `${printer.failed} of ${count(line, 'line')} failed`)
  return exitCodes.failed
}

/** Never rejects but for a defect: others wait before it is looked at. */
async function doLine(client: Client, order: Order, workload: Uint8Array, line: number): Promise<Outcome> {
  try {
    if (order.isBackground) return { type: 'created', handle: await submitBackground(client, order, workload) }
    const parts: Uint8Array[] = []
    for await (const event of submit(client, order, workload)) {
      if (event.type === 'data') parts.push(event.data)
      if (event.type === 'warning') complain('do', `line ${line}: warning: ${textOf(event.data)}`)
      if (event.type === 'complete') return { type: 'complete', data: Buffer.concat([...parts, event.data]) }
      if (event.type === 'fail' || event.type === 'exception') return event
    }
    throw new Error('a job without an end')
  } catch (error) {
    if (error instanceof GeartrainError) return { type: 'error', error }
    throw error
  }
}

class Printer {
  readonly #isJson: boolean
  readonly #progress: Progress
  failed = 0
  /** Why there is no sense in going on: set once, and then nothing is printed. */
  fault: Error | undefined

  constructor(isJson: boolean, progress: Progress) {
    this.#isJson = isJson
    this.#progress = progress
  }

  print(line: number, outcome: Outcome): void {
    if (this.fault !== undefined) return
    if (outcome.type === 'error' && !isOfOneJob(outcome.error)) {
      const fault = serverFault(outcome.error)
      this.fault = fault instanceof Fault ? new Fault(`line ${line}: ${fault.message}`, fault.exitCode) : outcome.error
      return
    }
    this.#progress.clear()
    const failure = failureOf(outcome)
    if (failure !== undefined) this.failed++
    if (this.#isJson) print(JSON.stringify({ line, ...outcomeJson(outcome) }))
    else {
      if (failure !== undefined) complain('do', `line ${line}: ${failure}`)
      printLine(outcome)
    }
    // On the terminal that shows the lines they are progress enough.
    if (!process.stdout.isTTY) this.#progress.show('lines', line, 0)
  }
}

/** The next job may go well. */
function isOfOneJob(error: GeartrainError): boolean {
  return error instanceof TimeoutError || error instanceof ServerError
}

function failureOf(outcome: Outcome): string | undefined {
  switch (outcome.type) {
    case 'complete':
    case 'created':
      return undefined
    case 'fail':
      return 'the job failed'
    case 'exception':
      return `the worker threw: ${textOf(outcome.data)}`
    case 'error':
      return outcome.error.message
  }
}

function outcomeJson(outcome: Outcome): Record<string, unknown> {
  return outcome.type === 'error' ? errorJson(outcome.error) : eventJson(outcome)
}

/** A failed job leaves its line empty, and a result that has a line end keeps it: so the lines stay side by side. */
function printLine(outcome: Outcome): void {
  if (outcome.type === 'created') print(outcome.handle)
  else if (outcome.type !== 'complete') print('')
  else if (outcome.data.at(-1) === '\n'.charCodeAt(0)) process.stdout.write(outcome.data)
  else process.stdout.write(Buffer.concat([outcome.data, Buffer.from('\n')]))
}
