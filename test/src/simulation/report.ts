import type { SimulationResult } from './simulation.ts'

/** A failed simulation, for the person who is to find out why: what was wrong, what came before it, how to rerun it. */
export function failureReport({ seed, step, steps, plan, fault, lastEvents }: SimulationResult): string {
  const headline = `seed ${seed} fails in step ${step}: ${fault}`
  return [
    headline,
    ...lastEvents.map((event) => `  ${event}`),
    `plan: ${JSON.stringify(plan)}`,
    headline,
    `again: npm run sim -- --seed ${seed} --steps ${steps} --trace`,
  ].join('\n')
}

export function summary({ seed, step, simulatedMs, hash, seen }: SimulationResult): string {
  const counts = [...seen].map(([what, times]) => `${what} ${times}`).sort()
  return `seed ${seed}: ${step} steps, ${(simulatedMs / 1000).toFixed(1)} s simulated, trace ${hash}\n${counts.join(', ')}`
}
