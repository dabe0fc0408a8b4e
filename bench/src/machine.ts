import { availableParallelism, cpus, release, type } from 'node:os'

/** What the numbers depend on, for whoever compares them with others. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly kernel: string
  readonly node: string
  readonly gearmand: string
  readonly date: string
}

export function describeMachine(gearmand: string | undefined): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown processor',
    cores: availableParallelism(),
    kernel: `${type()} ${release()}`,
    node: process.version,
    gearmand: gearmand ?? 'not installed',
    date: new Date().toISOString().slice(0, 10),
  }
}
