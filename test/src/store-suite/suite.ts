import { suite } from 'node:test'
import { attempts } from './attempts.ts'
import { bytes } from './bytes.ts'
import { claims } from './claims.ts'
import type { Place } from './counter.ts'
import { dead } from './dead.ts'
import { delayed } from './delayed.ts'
import { documents } from './documents.ts'
import { ends } from './ends.ts'
import { expiries } from './expiries.ts'
import { history } from './history.ts'
import { makeIt } from './it.ts'
import { joining } from './joining.ts'
import { lookUps } from './look-ups.ts'
import { model } from './model.ts'
import { opening } from './opening.ts'
import { priorities } from './priorities.ts'
import { results } from './results.ts'
import { room } from './room.ts'
import { scans } from './scans.ts'
import { sizes } from './sizes.ts'

const topics = {
  opening,
  claims,
  joining,
  delayed,
  ends,
  'look-ups': lookUps,
  bytes,
  sizes,
  room,
  attempts,
  dead,
  results,
  priorities,
  expiries,
  documents,
  history,
  scans,
  model,
}

type Topic = keyof typeof topics

/** What every store must do; of a store that takes its time, topic by topic in several files. */
export function storeSuite(
  name: string,
  makePlace: () => Promise<Place>,
  isWanted: (topic: Topic) => boolean = () => true,
): void {
  for (const [topic, tests] of Object.entries(topics)) {
    // Only topics are keys.
    if (isWanted(topic as Topic)) suite(`${name}: ${topic}`, () => tests(makeIt(makePlace), makePlace))
  }
}
