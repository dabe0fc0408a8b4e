import { storeSuite } from '../store-suite/suite.ts'
import { FakeDisk, FakeStore } from '../support/fake-store.ts'
import { SqlitePlace } from './place.ts'

storeSuite('sqlite', () => SqlitePlace.make())
// All uniques clash all the time.
storeSuite('sqlite with two keys', () => SqlitePlace.make({ keysMax: 2 }))

storeSuite('fake', () => {
  const disk = new FakeDisk()
  return Promise.resolve({
    fullCode: 'SQLITE_FULL',
    makeStore: () => new FakeStore(disk),
    makeSmallStore(workloadBytes: number) {
      disk.bytesMax = workloadBytes
      return new FakeStore(disk)
    },
    remove: () => Promise.resolve(),
  })
})
