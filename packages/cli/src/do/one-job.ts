import type { Client, JobEvent, Workload } from '@geartrain/client'
import { exitCodes } from '../fault.ts'
import { complain, print } from '../output.ts'
import type { Progress } from '../progress.ts'
import { eventJson } from './event-json.ts'
import { startNobodyHint } from './nobody-hint.ts'
import { type Order, submit, submitBackground } from './order.ts'
import { textOf } from './text-of.ts'

interface Shown {
  readonly isJson: boolean
}

const newline = 0x0a

/** Leaves a job with the server. Resolves with the exit code. */
export async function doInBackground(
  client: Client,
  order: Order,
  workload: Workload,
  { isJson }: Shown,
): Promise<number> {
  const handle = await submitBackground(client, order, workload)
  print(isJson ? JSON.stringify(eventJson({ type: 'created', handle })) : handle)
  return 0
}

/** Shows a job until it has ended. Resolves with the exit code. */
export async function doInForeground(
  client: Client,
  order: Order,
  workload: Workload,
  { isJson, progress, servers }: Shown & { readonly progress: Progress; readonly servers: string | undefined },
): Promise<number> {
  let exitCode = 0
  const output = new Output()
  const stopHint = startNobodyHint(order.function, servers)
  try {
    for await (const event of submit(client, order, workload)) {
      if (event.type !== 'created') stopHint()
      if (event.type !== 'status') progress.clear()
      if (isJson) print(JSON.stringify(eventJson(event)))
      else show(event, order, output, progress)
      if (event.type === 'fail') exitCode = exitCodes.failed
      if (event.type === 'exception') exitCode = exitCodes.exception
    }
  } finally {
    stopHint()
  }
  output.end()
  return exitCode
}

function show(event: JobEvent, order: Order, output: Output, progress: Progress): void {
  switch (event.type) {
    case 'created':
      break
    case 'data':
    case 'complete':
      output.write(event.data)
      break
    case 'status':
      progress.show(order.function, event.numerator, event.denominator)
      break
    case 'warning':
      complain('do', `warning: ${textOf(event.data)}`)
      break
    case 'exception':
      complain('do', `the worker threw: ${textOf(event.data)}`)
      break
    case 'fail':
      complain('do', 'the job failed')
      break
  }
}

/** The bytes as they are. On a terminal the last line gets its end, so that the prompt stands on its own. */
class Output {
  #lastByte = newline

  write(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#lastByte = bytes.at(-1) ?? newline
    process.stdout.write(bytes)
  }

  end(): void {
    if (process.stdout.isTTY && this.#lastByte !== newline) print('')
  }
}
