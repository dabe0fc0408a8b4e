import { collectDefaultMetrics, Registry } from 'prom-client'

/** Each makes a list of everything that is open, which is long where there are many connections. */
const dearNames = ['nodejs_active_handles', 'nodejs_active_requests', 'nodejs_active_resources']

let registry: Registry | undefined

/**
 * What is told of the process: memory, processor time, garbage collection, delays of the event loop. They are those of
 * all servers in it, and are measured from the first time that somebody asks: a process that nobody watches does without.
 */
export function processFamilies(): Promise<string> {
  registry ??= measure()
  return registry.metrics()
}

function measure(): Registry {
  const made = new Registry()
  collectDefaultMetrics({ register: made })
  for (const name of dearNames) {
    made.removeSingleMetric(name)
    made.removeSingleMetric(`${name}_total`)
  }
  return made
}
