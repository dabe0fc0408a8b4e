import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { sharedPostgres } from '../support/postgres/shared-postgres.ts'
import { type Connection, connectToPrimary, migrate, parseAddress, schemaVersion } from './store-parts.ts'

const postgres = sharedPostgres()

async function inDatabase(
  body: (connect: (user?: string) => Promise<Connection>, sql: (text: string) => Promise<unknown>) => Promise<void>,
): Promise<void> {
  const shared = await postgres.process()
  const { name, url } = await postgres.createDatabase()
  const connections: Connection[] = []
  const connect = async (user = 'postgres'): Promise<Connection> => {
    const options = { applicationName: 'test', idleMsMax: 60_000, patienceMs: 60_000, onBroken() {} }
    const connection = await connectToPrimary(parseAddress(url.replace('postgres@', `${user}@`), {}), options)
    connections.push(connection)
    return connection
  }
  try {
    await body(connect, (text) => shared.query(text, [], name))
  } finally {
    for (const connection of connections) await connection.close()
    await shared.dropDatabase(name)
  }
}

const versions = { name: '', text: 'SELECT version, oldest_reader FROM geartrain.meta' }

suite('the schema on PostgreSQL', { skip: postgres.skip }, () => {
  test('is made once by all that begin at the same time', () =>
    inDatabase(async (connect) => {
      const connections = await Promise.all([1, 2, 3, 4].map(() => connect()))
      await Promise.all(connections.map(migrate))
      assert.deepEqual((await connections[0]?.run(versions))?.rows, [[schemaVersion, 1]])
      await Promise.all(connections.map(migrate))
    }))

  test('of a newer program is used as long as that lets this one in', () =>
    inDatabase(async (connect, sql) => {
      const connection = await connect()
      await migrate(connection)
      await sql(`UPDATE geartrain.meta SET version = ${schemaVersion + 1}`)
      await migrate(connection)
      assert.deepEqual((await connection.run(versions)).rows, [[schemaVersion + 1, 1]])
      await sql(`UPDATE geartrain.meta SET oldest_reader = ${schemaVersion + 1}`)
      await assert.rejects(migrate(connection), { code: 'POSTGRES_TOO_NEW', message: /update it$/ })
    }))

  test('is left as it was when a step fails', () =>
    inDatabase(async (connect, sql) => {
      await sql('CREATE SCHEMA geartrain; CREATE TABLE geartrain.inbox (x int)')
      const connection = await connect()
      await assert.rejects(migrate(connection), { code: '42P07' })
      await sql('DROP TABLE geartrain.inbox')
      await migrate(connection)
    }))

  test('takes no rights but those on what is there; what else is missing is said with the words that grant it', () =>
    inDatabase(async (connect, sql) => {
      const user = `"some ${Math.trunc(performance.now())}"`
      await sql(`CREATE ROLE ${user} LOGIN`)
      try {
        const connection = await connect(encodeURIComponent(user.slice(1, -1)))
        const refused = async (remedy: RegExp) => {
          await assert.rejects(migrate(connection), { code: 'POSTGRES_42501', message: remedy })
        }
        await refused(/GRANT CREATE ON DATABASE "fresh_\w+" TO "some \d+"$/)
        await sql('CREATE SCHEMA geartrain')
        await refused(/GRANT USAGE, CREATE ON SCHEMA geartrain TO "some \d+"$/)
        await migrate(await connect())
        await refused(/GRANT USAGE ON SCHEMA geartrain TO "some \d+"; /)
        await sql(`GRANT USAGE ON SCHEMA geartrain TO ${user}; GRANT SELECT ON geartrain.meta TO ${user}`)
        await refused(/lacks rights on .*jobs, .*positions, .* TO "some \d+"$/)
        await sql(`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA geartrain TO ${user};
          GRANT USAGE ON ALL SEQUENCES IN SCHEMA geartrain TO ${user}; REVOKE DELETE ON geartrain.jobs FROM ${user}`)
        await refused(/lacks rights on jobs of/)
        await sql(`GRANT DELETE ON geartrain.jobs TO ${user}`)
        await migrate(connection)
      } finally {
        await sql(`DROP OWNED BY ${user}; DROP ROLE ${user}`)
      }
    }))
})
