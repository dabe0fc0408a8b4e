import assert from 'node:assert/strict'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { after, describe, it } from 'node:test'
import { scratch } from '../cli/command.ts'
import { Immutable, SmallDisk } from './disk.ts'
import { DurableServer } from './durable-server.ts'
import { assertHasSamples } from './sample.ts'
import { Stock } from './stock.ts'

const directory = scratch()
after(() => directory[Symbol.dispose]())
const stock = await Stock.make(directory.path(''), 40, 60)
const noImmutable = Immutable.missing()
const noDisk = SmallDisk.missing()

/** In a directory of its own. */
function place(
  title: string,
  body: (path: (name: string) => string) => Promise<void>,
  options: { readonly skip?: string | undefined } = {},
): void {
  it(title, { skip: false, ...options }, async () => {
    using own = scratch()
    await body(own.path)
  })
}

describe('a store where there can be none is refused with a sentence', () => {
  place('in a directory that does not exist', async (path) => {
    const sentence = await DurableServer.refused(path('no/such/jobs.db'))
    assert.match(
      sentence,
      /jobs\.db can't be opened: there is no directory .*\/no\/such; make it, or name another file$/,
    )
    assert.ok(!existsSync(path('no')))
  })

  place('in a file as if that were a directory', async (path) => {
    writeFileSync(path('file'), '')
    const sentence = await DurableServer.refused(path('file/jobs.db'))
    assert.match(sentence, /there is no directory .*\/file; make it, or name another file$/)
  })

  place('in the place of a directory', async (path) => {
    mkdirSync(path('jobs.db'))
    assert.match(await DurableServer.refused(path('jobs.db')), /jobs\.db can't be opened; /)
    assert.deepEqual(readdirSync(path('jobs.db')), [])
  })

  place('behind a link that leads nowhere', async (path) => {
    symlinkSync(path('no/such/jobs.db'), path('link.db'))
    assert.match(await DurableServer.refused(path('link.db')), /can't be opened/)
  })

  place('behind links that lead to one another', async (path) => {
    symlinkSync(path('b.db'), path('a.db'))
    symlinkSync(path('a.db'), path('b.db'))
    assert.match(await DurableServer.refused(path('a.db')), /a\.db can't be opened \(ELOOP\); see where it leads/)
    assert.deepEqual(readdirSync(path('')).toSorted(), ['a.db', 'b.db'])
  })

  place('with a name that is too long', async (path) => {
    assert.match(await DurableServer.refused(path(`${'x'.repeat(300)}.db`)), /can't be opened/)
  })
})

describe('a store that can not be written is refused with a sentence, and is there when it can', () => {
  for (const suffix of ['', '-wal'] as const) {
    place(
      `for the file jobs.db${suffix}`,
      async (path) => {
        for (const each of ['', '-wal']) copyFileSync(stock.path + each, path(`jobs.db${each}`))
        {
          using _ = new Immutable(path(`jobs.db${suffix}`))
          const sentence = await DurableServer.refused(path('jobs.db'))
          assert.match(sentence, /jobs\.db can't be written; give this user the right to write the file/)
        }
        await using server = await DurableServer.start(path('jobs.db'))
        await assertHasSamples(server.port, stock.count)
      },
      { skip: noImmutable },
    )
  }

  place(
    'for the directory',
    async (path) => {
      mkdirSync(path('in'))
      for (const each of ['', '-wal']) copyFileSync(stock.path + each, path(`in/jobs.db${each}`))
      {
        using _ = new Immutable(path('in'))
        const sentence = await DurableServer.refused(path('in/jobs.db'))
        assert.match(
          sentence,
          /files in .*\/in can't be made \(EPERM\); give this user the right to, or name another file$/,
        )
        assert.match(await DurableServer.refused(path('in/new.db')), /files in .*\/in can't be made/)
      }
      await using server = await DurableServer.start(path('in/jobs.db'))
      await assertHasSamples(server.port, stock.count)
    },
    { skip: noImmutable },
  )

  place(
    'for the disk',
    async () => {
      using disk = new SmallDisk(16)
      for (const each of ['', '-wal']) copyFileSync(stock.path + each, disk.path(`jobs.db${each}`))
      disk.forbidWriting()
      const sentence = await DurableServer.refused(disk.path('jobs.db'))
      assert.match(sentence, /can't be made \(EROFS\)|can't be written; /)
      assert.ok(readFileSync(disk.path('jobs.db-wal')).equals(readFileSync(`${stock.path}-wal`)))
    },
    { skip: noDisk },
  )

  place(
    'for this user',
    async (path) => {
      copyFileSync(stock.path, path('jobs.db'))
      chmodSync(path('jobs.db'), 0o444)
      const sentence = await DurableServer.refused(path('jobs.db'))
      assert.match(sentence, /jobs\.db can't be written; give this user the right to write the file/)
    },
    { skip: process.getuid?.() === 0 ? 'root may write what nobody else may' : undefined },
  )
})
