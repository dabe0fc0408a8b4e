import type { JobDescription } from '@geartrain/protocol'
import { z } from 'zod'
import { jobState } from '../control/requests.ts'
import { priority } from './schemas.ts'
import { time } from './shapes.ts'

// What answers say of jobs.

/** The policy of its function hides what goes into its jobs and what comes out of them. */
export function hidesPayloads(job: JobDescription): boolean {
  return 'hidden' in job && job.hidden === true
}

export const payload = z
  .union([z.object({ text: z.string() }), z.object({ base64: z.string() })])
  .meta({ description: 'As text where it is UTF-8, else in base64' })

export const jobDescription = z.looseObject({
  handle: z.string(),
  function: z.string(),
  unique: z.string(),
  priority,
  state: z.enum(['pending', ...jobState.options]),
  attempts: z.int().meta({ description: 'Those that have ended' }),
  background: z.boolean(),
  waiting: z.int().meta({ description: 'Clients that wait for it' }),
  worker: z.string().optional().meta({ description: 'Client id and address of the worker that has it' }),
  numerator: z.int().optional(),
  denominator: z.int().optional(),
  workload: payload.optional(),
  hidden: z.boolean().optional().meta({ description: 'The policy of its function hides workload and result' }),
  reducer: z.string().optional(),
  then: z.string().optional(),
  submittedAt: time.optional(),
  runAt: time.optional(),
  expireAt: time.optional(),
  endedAt: time.optional(),
  keepUntil: time.optional(),
  failures: z
    .array(
      z.looseObject({
        startedAt: time.optional(),
        at: time,
        reason: z.string(),
        worker: z.string(),
        error: z.string(),
      }),
    )
    .meta({ description: 'The attempts that have failed' }),
  reason: z.string().optional().meta({ description: 'Why it is dead' }),
  result: payload
    .optional()
    .meta({ description: 'If it has ended and its result is kept: that, or what the exception said' }),
})
