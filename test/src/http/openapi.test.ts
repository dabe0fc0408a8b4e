import assert from 'node:assert/strict'
import { test } from 'node:test'
import { validate } from '@readme/openapi-parser'
import { startApi } from './api.ts'

test('the API is described in valid OpenAPI 3.1', async () => {
  await using api = await startApi()
  // The checker changes what it is given.
  const result = await validate(structuredClone(api.document) as unknown as Parameters<typeof validate>[0])
  assert.ok(result.valid, result.valid ? '' : JSON.stringify(result.errors))
})

test('every operation has a name of its own, and says what it is and who may do it', async () => {
  await using api = await startApi()
  const ids: string[] = []
  for (const [path, methods] of Object.entries(api.document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      ids.push(operation.operationId)
      assert.ok(operation.summary !== '', `${method} ${path}`)
      assert.ok(operation['x-roles'].length > 0, `${method} ${path}`)
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      const described = operation.parameters.filter((each) => each.in === 'path').map(({ name }) => name)
      assert.deepEqual(described, named, `${method} ${path}`)
    }
  }
  assert.deepEqual(ids, [...new Set(ids)])
})
