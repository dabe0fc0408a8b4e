import type { Client, JobPolicy, Priority, SubmittedJob, Workload } from '@geartrain/client'

/** What is to be done with a workload. */
export interface Order {
  readonly function: string
  readonly unique: string | undefined
  readonly priority: Priority | undefined
  /** Only in the background. */
  readonly runAt: Date | undefined
  readonly isBackground: boolean
  readonly timeoutMs: number | undefined
  readonly then: string | undefined
  readonly policy: JobPolicy | undefined
}

export function submit(client: Client, order: Order, workload: Workload): SubmittedJob {
  const { unique, priority, timeoutMs, then, policy } = order
  return client.submit(order.function, workload, { unique, priority, timeoutMs, then, policy })
}

/** Resolves with the handle. */
export function submitBackground(client: Client, order: Order, workload: Workload): Promise<string> {
  const { unique, priority, runAt, timeoutMs, then, policy } = order
  return client.submitBackground(order.function, workload, { unique, priority, runAt, timeoutMs, then, policy })
}
