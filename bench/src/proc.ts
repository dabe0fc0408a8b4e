import { readFile } from 'node:fs/promises'

/** The resident memory of a process, all of it: what the machine has to have for it, now and at most so far. */
export interface Resident {
  readonly bytes: number
  readonly bytesPeak: number
}

const ticksPerSecond = 100

/** What all threads of a process have used of the processors so far. */
export async function cpuSecondsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

export async function residentOf(pid: number): Promise<Resident> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const bytesOf = (name: string) => {
    const kibibytes = new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(status)?.[1]
    if (kibibytes === undefined) throw new Error(`/proc/${pid}/status has no ${name}`)
    return Number(kibibytes) * 1024
  }
  return { bytes: bytesOf('VmRSS'), bytesPeak: bytesOf('VmHWM') }
}
