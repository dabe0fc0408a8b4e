import type { Client, Priority, SubmittedJob, Workload } from '@geartrain/client'

/** What is to be done with a workload. */
export interface Order {
  readonly function: string
  readonly unique: string | undefined
  readonly priority: Priority | undefined
  /** Only in the background. */
  readonly runAt: Date | undefined
  readonly isBackground: boolean
  readonly timeoutMs: number | undefined
}

export function submit(client: Client, order: Order, workload: Workload): SubmittedJob {
  const { unique, priority, timeoutMs } = order
  return client.submit(order.function, workload, { unique, priority, timeoutMs })
}

/** Resolves with the handle. */
export function submitBackground(client: Client, order: Order, workload: Workload): Promise<string> {
  const { unique, priority, runAt, timeoutMs } = order
  const common = { unique, timeoutMs }
  return client.submitBackground(
    order.function,
    workload,
    runAt === undefined ? { ...common, priority } : { ...common, runAt },
  )
}
