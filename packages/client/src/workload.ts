/** What a job carries: bytes, or text that is sent as UTF-8. Bytes must not be changed before they are on their way. */
export type Workload = Uint8Array | string

export function workloadBytes(workload: Workload): Uint8Array {
  return typeof workload === 'string' ? Buffer.from(workload, 'utf8') : workload
}
