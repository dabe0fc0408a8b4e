import { availableParallelism, cpus, release, type } from 'node:os'

/** What the numbers depend on, for whoever compares them with others. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly kernel: string
  /** Of what was measured, by name. */
  readonly versions: Readonly<Record<string, string>>
  /** A write and its fsync. */
  readonly syncMs: number
  readonly date: string
}

export function describeMachine(versions: Readonly<Record<string, string>>, syncMs: number): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown processor',
    cores: availableParallelism(),
    kernel: `${type()} ${release()}`,
    versions: { Node: process.version, ...versions },
    syncMs,
    date: new Date().toISOString().slice(0, 10),
  }
}

/** In one line. */
export function machineLine({ cpu, cores, kernel, versions, syncMs }: Machine): string {
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return [cpu, `${cores} cores`, kernel, ...programs, `fsync ${syncMs.toFixed(2)} ms`].join(', ')
}
