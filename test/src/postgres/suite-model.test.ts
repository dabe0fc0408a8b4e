import { suite } from 'node:test'
import { PostgresPlace } from '../store/postgres-place.ts'
import { storeSuite } from '../store-suite/suite.ts'
import { sharedPostgres } from '../support/postgres/shared-postgres.ts'

const postgres = sharedPostgres()

suite('the store on PostgreSQL', { skip: postgres.skip }, () => {
  storeSuite(
    'postgres',
    () => PostgresPlace.make(postgres),
    (topic) => topic === 'model',
  )
})
