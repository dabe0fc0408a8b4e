import type { Client, ManyOptions } from './client.ts'
import type { FunctionName, JobTypes, ReceivedOutput, SentInput } from './job-types.ts'
import type { Settled } from './many.ts'
import type { SubmitOptions } from './submission.ts'

const defaultInFlight = 16

/**
 * Gives the parts of some work to workers, many at once, and their outputs to `reduce`, in the order of the parts. What
 * `reduce` returns is returned: a promise, or a stream if it is a generator. A part that fails throws where `reduce`
 * reads it. Parts are large: `inFlight`, which are in memory at once, is 16 unless you say otherwise.
 */
export function mapReduce<Jobs extends JobTypes, Name extends FunctionName<Jobs>, Result>(
  client: Client<Jobs>,
  jobFunction: Name,
  parts: Iterable<SentInput<Jobs, Name>> | AsyncIterable<SentInput<Jobs, Name>>,
  reduce: (outputs: AsyncIterable<ReceivedOutput<Jobs, Name>>) => Result,
  options: SubmitOptions & ManyOptions = {},
): Result {
  return reduce(outputsOf(client.submitMany(jobFunction, parts, { inFlight: defaultInFlight, ...options })))
}

async function* outputsOf<Output>(jobs: AsyncIterable<Settled<Output>>): AsyncGenerator<Output, void, undefined> {
  for await (const job of jobs) {
    if (job.status === 'rejected') throw job.reason
    yield job.value
  }
}
