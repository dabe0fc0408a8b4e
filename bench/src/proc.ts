import { readFile } from 'node:fs/promises'

/** The resident memory of a process, all of it: what the machine has to have for it. */
export async function rssBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const kibibytes = /^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1]
  if (kibibytes === undefined) throw new Error(`/proc/${pid}/status has no VmRSS`)
  return Number(kibibytes) * 1024
}
