/** What is measured, in the order of the table. The names are those of the load generator's result. */
export const metrics = [
  { name: 'startMs', label: 'ms to be ready', better: 'less' },
  { name: 'rate', label: 'jobs/s', better: 'more' },
  { name: 'cpuPercent', label: 'server CPU, % of a core', better: 'less' },
  { name: 'cpuUs', label: 'server CPU us/job', better: 'less' },
  { name: 'clientCpuUs', label: 'client CPU us/job', better: 'less' },
  { name: 'workerCpuUs', label: 'worker CPU us/job', better: 'less' },
  { name: 'submitCpuUs', label: 'submission CPU us/job', better: 'less' },
  { name: 'p50Ms', label: 'p50 ms', better: 'less' },
  { name: 'p99Ms', label: 'p99 ms', better: 'less' },
  { name: 'drainRate', label: 'drain jobs/s', better: 'more' },
  { name: 'throughRate', label: 'submit and drain jobs/s', better: 'more' },
  { name: 'beginP50Ms', label: 'submitted to begun p50 ms', better: 'less' },
  { name: 'beginP99Ms', label: 'submitted to begun p99 ms', better: 'less' },
  { name: 'rowsWritten', label: 'rows written/job', better: 'less' },
  { name: 'statements', label: 'statements/job', better: 'less' },
  { name: 'commits', label: 'transactions/job', better: 'less' },
  { name: 'walBytes', label: 'bytes of log/job', better: 'less' },
  { name: 'drainCpuUs', label: 'drain CPU us/job', better: 'less' },
  { name: 'bytesPerJob', label: 'bytes/job', better: 'less' },
  { name: 'residentMb', label: 'memory MB', better: 'less' },
  { name: 'residentPeakMb', label: 'memory MB, peak', better: 'less' },
  { name: 'loadRate', label: 'background jobs/s beside', better: 'more' },
  { name: 'aloneP50Ms', label: 'foreground p50 ms, alone', better: 'less' },
  { name: 'besideP50Ms', label: 'foreground p50 ms, beside', better: 'less' },
  { name: 'aloneP99Ms', label: 'foreground p99 ms, alone', better: 'less' },
  { name: 'besideP99Ms', label: 'foreground p99 ms, beside', better: 'less' },
  { name: 'lateP50Ms', label: 'begun too late by ms, p50', better: 'less' },
  { name: 'lateP99Ms', label: 'begun too late by ms, p99', better: 'less' },
  { name: 'echoP50Ms', label: 'echo meanwhile p50 ms', better: 'less' },
  { name: 'echoP99Ms', label: 'echo meanwhile p99 ms', better: 'less' },
  { name: 'echoMaxMs', label: 'echo meanwhile max ms', better: 'less' },
  { name: 'p99Ratio', label: 'p99 beside / alone', better: 'less' },
] as const satisfies readonly { name: string; label: string; better: 'more' | 'less' }[]

export type Metric = (typeof metrics)[number]

/** What one run gave, or the medians of several: a row without a drain has no drain rate, and so on. */
export type Sample = Partial<Record<Metric['name'], number>>

/** Each metric's median by itself. Of an even number of runs the lower middle one: always a value that was measured. */
export function medians(samples: readonly Sample[]): Sample {
  const result: Sample = {}
  for (const { name } of metrics) {
    const values = samples.map((sample) => sample[name]).filter((value) => value !== undefined)
    const middle = values.sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)]
    if (middle !== undefined) result[name] = middle
  }
  return result
}
