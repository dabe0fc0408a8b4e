import { useEffect, useMemo } from 'preact/hooks'
import { isWatching } from '../../live/live.ts'
import { JobFeed } from './job-feed.ts'

/** What becomes of the job, while somebody watches. */
export function useJob(handle: string): JobFeed {
  const feed = useMemo(() => new JobFeed(handle), [handle])
  const isSeen = isWatching.value
  useEffect(() => (isSeen ? feed.listen() : undefined), [feed, isSeen])
  return feed
}
