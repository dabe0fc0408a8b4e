import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ArrayWriter, bigints, ints, names } from '../../../packages/server/dist/store/postgres/arrays.js'
import { sharedPostgres } from '../support/postgres/shared-postgres.ts'
import { Member } from './writes-parts.ts'

const postgres = sharedPostgres()

test('arrays are what PostgreSQL takes them for', { skip: postgres.skip }, async () => {
  const { url } = await postgres.createDatabase()
  await using member = await Member.open(url)
  const read = async (type: string, value: Buffer) => (await member.rows(`SELECT ($1::${type}[])::text`, value))[0]?.[0]

  assert.equal(await read('bigint', bigints([])), '{}')
  const edges = [0, -1, 1, 2 ** 31, 2 ** 32, -(2 ** 32), -(2 ** 32) - 1, 2 ** 53 - 1, 1 - 2 ** 53]
  assert.equal(await read('bigint', bigints(edges)), `{${edges.join(',')}}`)
  assert.equal(await read('int', ints([0, -1, 2 ** 31 - 1, -(2 ** 31)])), '{0,-1,2147483647,-2147483648}')
  assert.equal(await read('bytea', names(['', 'a\0ÿ'])), String.raw`{"\\x","\\x6100ff"}`)

  const smallints = new ArrayWriter('smallint')
  for (const value of [2, -1]) smallints.addSmallint(value)
  assert.equal(await read('smallint', smallints.written()), '{2,-1}')

  const uuids = new ArrayWriter('uuid')
  uuids.addBytes(Buffer.alloc(16, 0xab))
  uuids.addNull()
  assert.equal(await read('uuid', uuids.written()), '{abababab-abab-abab-abab-abababababab,NULL}')

  const texts = new ArrayWriter('text')
  for (const value of ['', 'Größe 🚂', 'NULL']) texts.addText(value)
  texts.addNull()
  assert.equal(await read('text', texts.written()), '{"","Größe 🚂","NULL",NULL}')
})

test('an array grows with what is in it', { skip: postgres.skip }, async () => {
  const { url } = await postgres.createDatabase()
  await using member = await Member.open(url)
  const sizes = [0, 1, 1000, 100_000, 3]
  const bytes = new ArrayWriter('bytea')
  for (const size of sizes) bytes.addBytes(Buffer.alloc(size, 'x'))
  const rows = await member.rows('SELECT length(one) FROM unnest($1::bytea[]) AS one', bytes.written())
  assert.deepEqual(rows.flat(), sizes)
})
