import { test } from 'node:test'
import { Counter, type Place } from './counter.ts'

/** A test with an open store on a place where nothing is yet. */
export type It = (title: string, body: (store: Counter, place: Place) => Promise<void>) => void

export function makeIt(makePlace: () => Promise<Place>): It {
  return (title, body) => {
    test(title, async () => {
      const place = await makePlace()
      try {
        await body(await Counter.open(place), place)
      } finally {
        await place.remove()
      }
    })
  }
}
