import assert from 'node:assert/strict'
import type { StoredChange } from '@geartrain/server'
import type { It } from './it.ts'

export function documents(it: It): void {
  it('are there when the store is opened, by kind and name', async (store) => {
    assert.deepEqual(store.state.documents, [])
    const { changed } = await store.do({
      changes: [
        put('policy', 'mail.*', '{"attempts":5}'),
        put('policy', 'Größe \u{1f682} \xff', '{}'),
        put('a', '', '1'),
      ],
    })
    assert.deepEqual(changed, ['done', 'done', 'done'])
    assert.deepEqual((await store.reopen()).documents, [
      { kind: 'a', name: '', body: '1' },
      { kind: 'policy', name: 'Größe \u{1f682} \xff', body: '{}' },
      { kind: 'policy', name: 'mail.*', body: '{"attempts":5}' },
    ])
  })

  it('are replaced and removed', async (store) => {
    await store.do({ changes: [put('policy', 'f', '1'), put('schedule', 'f', '2'), put('schedule', 'g', '3')] })
    const { changed } = await store.do({
      changes: [put('policy', 'f', '4'), put('schedule', 'g', undefined), put('schedule', 'g', undefined)],
    })
    assert.deepEqual(changed, ['done', 'done', 'not found'])
    assert.deepEqual((await store.reopen()).documents, [
      { kind: 'policy', name: 'f', body: '4' },
      { kind: 'schedule', name: 'f', body: '2' },
    ])
  })
}

function put(kind: string, name: string, body: string | undefined): StoredChange {
  return { kind: 'document', document: { kind, name, body } }
}
