import { EncodedResult } from './assigned-job.ts'
import type { Assignment } from './assignment.ts'
import { bytes, decodeValue, encodeValue } from './codec.ts'
import { isStream, resultBytes, sendStream } from './job-result.ts'
import type { JobType } from './job-types.ts'

/** Does a job, and gives the bytes of its result. */
export type Performer = (job: Assignment) => Promise<Uint8Array>

/** A handler between the codecs of its function. */
export function performer(
  jobFunction: string,
  handler: (job: never) => unknown,
  { input = bytes, output }: JobType,
): Performer {
  return async (job) => {
    job.input = input === bytes ? job.workload : await decodeValue(input, job.workload, `the input of ${jobFunction}`)
    // Input and result have the types of the codecs: that is checked where the handler is set.
    const result = await handler(job as never)
    if (result instanceof EncodedResult) return result.bytes
    if (isStream(result)) return sendStream(job, result)
    if (output === undefined) return resultBytes(result)
    return encodeValue(output, result as never, `the output of ${jobFunction}`)
  }
}
