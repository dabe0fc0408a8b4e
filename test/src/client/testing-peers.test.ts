import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { repositoryRoot } from '../support/peers.ts'

/** A project that has installed the library, and nothing that it does not ask for. */
async function inBareProject(script: string): Promise<string> {
  const project = await mkdtemp(join(tmpdir(), 'geartrain-'))
  try {
    for (const name of ['client', 'protocol']) {
      const installed = join(project, 'node_modules/@geartrain', name)
      await cp(join(repositoryRoot, 'packages', name, 'dist'), join(installed, 'dist'), { recursive: true })
      await cp(join(repositoryRoot, 'packages', name, 'package.json'), join(installed, 'package.json'))
    }
    const args = ['--input-type=module', '--eval', script]
    return (await promisify(execFile)(process.execPath, args, { cwd: project })).stdout
  } finally {
    await rm(project, { recursive: true })
  }
}

describe('without what is optional', { timeout: 60_000 }, () => {
  it('all but threads and the test server is there', async () => {
    const script = `
      import { Client, Worker } from '@geartrain/client'
      import { ProcessPool } from '@geartrain/client/processes'
      import '@geartrain/client/threads'
      import '@geartrain/client/testing'
      console.log(typeof Client, typeof Worker, typeof ProcessPool)`
    assert.equal(await inBareProject(script), 'function function function\n')
  })

  for (const [name, use, install] of [
    ['threads', `new (await import('@geartrain/client/threads')).ThreadPool()`, 'piscina'],
    ['testing', `await (await import('@geartrain/client/testing')).startTestServer()`, '@geartrain/server'],
  ] as const) {
    it(`${name}: the error says what to install`, async () => {
      const message = await inBareProject(
        `try { ${use} } catch (error) { console.log(error.message, error.cause.code) }`,
      )
      assert.match(message, new RegExp(`npm install ${install} (ERR_)?MODULE_NOT_FOUND\n$`))
    })
  }
})
