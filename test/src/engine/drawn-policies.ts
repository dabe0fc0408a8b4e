import fc from 'fast-check'

/** Words of a policy, of which few are drawn. */
const words = [
  ['attempts=2 backoffFirstMs=0', 'attempts=3 backoffFirstMs=400 backoffJitter=0.5', 'attempts=2 backoffFirstMs=500'],
  ['retryOn=failed,lost', 'retryOn=exception,timeout'],
  ['retryForeground=true'],
  ['timeoutMs=300', 'timeoutMs=1000'],
  ['ttlMs=500', 'ttlMs=1500'],
  ['expireMs=500'],
  ['concurrency=1', 'concurrency=2'],
  ['groupConcurrency=1', 'groupConcurrency=2'],
  ['rate=1', 'rate=2 rateBurst=2', 'rate=0.5 rateBurst=3'],
  ['keepResultsMs=1000'],
  ['uniqueForMs=1000'],
  ['maxQueue=3,2,1'],
  ['priority=high', 'priority=low'],
  ['paused=true'],
  ['draining=true'],
]

/** Alone, so that nothing else keeps jobs of a group apart. */
const alone = ['groupConcurrency=1', 'groupConcurrency=2', 'groupConcurrency=1 attempts=3 backoffFirstMs=0']

/** A command that gives a function a policy. */
export function policyCommand(name: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const chosen = fc.subarray(words, { minLength: 0, maxLength: 4 }).chain((kinds) => {
    return fc.tuple(...kinds.map((kind) => fc.constantFrom(...kind)))
  })
  const parts = fc.oneof(
    { weight: 3, arbitrary: chosen.map((some) => some.join(' ')) },
    { weight: 1, arbitrary: fc.constantFrom(...alone) },
  )
  return fc.tuple(name, parts).map(([f, drawn]) => `policy ${f} ${drawn}`.trimEnd())
}

/** Words of the options of a job. */
export const jobOptions: fc.Arbitrary<string> = fc
  .subarray(
    [
      fc.constantFrom('attempts=1', 'attempts=2 backoffFirstMs=0', 'attempts=3 backoffFirstMs=400', 'attempts='),
      fc.constantFrom('retryOn=failed', 'retryOn=lost,timeout'),
      fc.constantFrom('retryForeground=true', 'retryForeground=false'),
      fc.constantFrom('timeoutMs=200', 'timeoutMs=0'),
      fc.constantFrom('ttlMs=700', 'ttlMs=0'),
      fc.constantFrom('expireMs=300', 'expireMs=0'),
      fc.constantFrom('deadMax=0'),
      fc.constantFrom('keepResultsMs=1000', 'keepResultsMs=0'),
      fc.constantFrom('uniqueForMs=1000', 'uniqueForMs=0'),
    ],
    { minLength: 1, maxLength: 3 },
  )
  .chain((kinds) => fc.tuple(...kinds))
  .map((words) => words.join(' '))
