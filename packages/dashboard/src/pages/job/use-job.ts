import { useEffect, useMemo } from 'preact/hooks'
import { isWatching, onReconnected } from '../../live/live.ts'
import { JobFeed } from './job-feed.ts'

/** What becomes of the job, while somebody watches. */
export function useJob(handle: string): JobFeed {
  const feed = useMemo(() => new JobFeed(handle), [handle])
  const isSeen = isWatching.value
  useEffect(() => (isSeen ? feed.listen() : undefined), [feed, isSeen])
  // One that has ended is listened to no more: it may be another one, or none, once the server was away.
  useEffect(() => (isSeen ? onReconnected(() => feed.restart()) : undefined), [feed, isSeen])
  return feed
}
