import type { Bytes, JobDescription } from '@geartrain/protocol'
import { z } from 'zod'
import { fromBytes } from '../../control/bytes.ts'
import { shownBytesMax, type WatchedBytes, type WatchedEvent } from '../../job-watch.ts'
import type { HttpContext } from '../context.ts'
import { EventStream } from '../event-stream.ts'
import { hidesPayloads } from '../job-schemas.ts'
import { Problem } from '../problem.ts'
import { type Answer, type Route, type RouteRequest, route, streamed } from '../route.ts'
import { handle } from '../schemas.ts'

const params = z.object({ handle })

const description = `Server-sent events. The first one is \`snapshot\`, the job as \`GET /api/jobs/{handle}\` gives it without its workload, also after each reconnection. Then, as it happens:

- \`started\`: \`{ "attempt" }\`, the first is 1
- \`progress\`: \`{ "numerator", "denominator" }\`; who reads slowly gets the later ones
- \`data\`, \`warning\`: \`{ "text" }\` or \`{ "base64" }\`; of more than 64 KiB, and where the function's policy hides payloads, \`{ "bytes" }\`, their number
- \`retried\`: \`{ "reason", "attempts", "waitMs" }\`: an attempt has ended, and another one follows
- \`ended\`: \`{ "outcome", "dead", "result" }\`, and the stream ends. A browser's EventSource connects again unless it is closed then

In a cluster, what other servers do is told as well, but for what they do while there is no link to them. If such a job has ended meanwhile and nothing of it is kept, the \`outcome\` is \`unknown\`.

Who is too far behind is cut off.

    curl -N http://127.0.0.1:4731/api/jobs/H:web1:1764201600000001/events`

export const jobEvents: Route = route({
  method: 'GET',
  path: '/api/jobs/{handle}/events',
  id: 'watchJob',
  tag: 'Jobs',
  summary: 'What becomes of a job, as it happens',
  description,
  access: ['view', 'submit'],
  params,
  answers: { 200: { description: 'Events', content: { bytes: 'text/event-stream' } } },
  problems: ['NOT_FOUND', 'STORE_FAILED'],
  handle: watchJob,
})

async function watchJob(
  { actor, params: { handle: asked }, response, signal }: RouteRequest<typeof params>,
  { access, jobFollow, perform }: HttpContext,
): Promise<Answer> {
  // Seen from now on, so that none of it is lost while the job is looked up. What came before that is in the snapshot.
  let ended: WatchedEvent | undefined
  let stream: EventStream | undefined
  let isHidden = false
  const onEvent = (event: WatchedEvent) => {
    if (stream === undefined) {
      if (event.kind === 'ended') ended = event
      return
    }
    tell(stream, event, isHidden)
    if (event.kind === 'ended') leave()
  }
  let isLooking = false
  const leaveFollow = jobFollow.follow(asked, onEvent, () => {
    if (isLooking || stream === undefined) return
    isLooking = true
    const look = async () => {
      const end = await findEnd(() => perform('job show', { handle: asked }, actor))
      isLooking = false
      if (end !== undefined && !hasLeft) onEvent(end)
    }
    void look()
  })
  // Who still may comes again.
  const leaveAccess = access.listen(() => (stream === undefined ? response.destroy() : stream.end()))
  let hasLeft = false
  const leave = () => {
    hasLeft = true
    leaveFollow()
    leaveAccess()
  }
  let job: JobDescription
  try {
    job = await perform('job show', { handle: asked }, actor)
  } catch (error) {
    leave()
    throw error
  }
  isHidden = hidesPayloads(job)
  if (signal.aborted) leave()
  else {
    stream = new EventStream(response, leave)
    stream.send('snapshot', snapshotOf(job))
    const end = ended ?? endOf(job)
    if (end !== undefined) onEvent(end)
  }
  return streamed
}

function tell(stream: EventStream, event: WatchedEvent, isHidden: boolean): void {
  if (event.kind === 'progress' && stream.isBehind) return
  if (event.kind === 'missed' || !stream.send(event.kind, dataOf(event, isHidden))) stream.cutOff()
  else if (event.kind === 'ended') stream.end()
}

function dataOf(event: WatchedEvent, isHidden: boolean): object {
  if ('data' in event) return isHidden ? lengthOf(event.data) : event.data
  if (event.kind !== 'ended') return { ...event, kind: undefined }
  const { outcome, isDead, result } = event
  return { outcome, dead: isDead, ...(result === undefined || isHidden ? {} : { result }) }
}

/** What is undefined is not written. */
function snapshotOf({ result, ...job }: JobDescription): object {
  return { ...job, workload: undefined, result: result && shortened(result) }
}

/** Of a job that the store has not among those that wait or run. Undefined: it has not ended, or nobody can say so now. */
async function findEnd(show: () => Promise<JobDescription>): Promise<WatchedEvent | undefined> {
  try {
    return endOf(await show())
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'NOT_FOUND') return undefined
    return { kind: 'ended', outcome: 'unknown', isDead: false, result: undefined }
  }
}

/** Undefined: it has not ended. */
function endOf({ state, reason, result }: JobDescription): WatchedEvent | undefined {
  const shown = result && shortened(result)
  if (state === 'dead') return { kind: 'ended', outcome: reason ?? 'failed', isDead: true, result: shown }
  if (state !== 'complete' && state !== 'failed' && state !== 'exception') return undefined
  return { kind: 'ended', outcome: state, isDead: false, result: shown }
}

function lengthOf(payload: WatchedBytes): WatchedBytes {
  return 'bytes' in payload ? payload : { bytes: fromBytes(payload).length }
}

function shortened(payload: Bytes): WatchedBytes {
  const { length } = fromBytes(payload)
  return length > shownBytesMax ? { bytes: length } : payload
}
