import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { repositoryRoot, startServer } from '../support/peers.ts'

// The library as npm would give it to somebody: packed, installed in an empty project, compiled there and run.

const run = promisify(execFile)
const options = { timeout: 120_000 }

const program = `
import { Client, defineJobs, json, text, Worker } from '@geartrain/client'

const jobs = defineJobs({ shout: { input: text, output: json<{ shouted: string }>() } })
const worker = new Worker(process.env['SERVER'], { jobs })
worker.handle('shout', (job) => ({ shouted: job.input.toUpperCase() }))
await worker.start()
const client = await Client.connect(process.env['SERVER'], { jobs })
const { shouted } = await client.submit('shout', 'hello').result()
console.log(shouted)
// @ts-expect-error a function that is not there
client.submit('whisper', 'hello')
await client.close()
await worker.close()
`

const configuration = {
  compilerOptions: { strict: true, module: 'NodeNext', target: 'ES2022', types: ['node'], skipLibCheck: false },
}

describe('the packed client', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'geartrain-packed-'))
    const tarballs: string[] = []
    for (const name of ['protocol', 'client']) {
      const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]
      const { stdout } = await run('npm', args, { cwd: join(repositoryRoot, 'packages', name) })
      const [packed]: { filename: string }[] = JSON.parse(stdout)
      tarballs.push(join(folder, packed?.filename ?? ''))
    }
    await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module', private: true }))
    await run('npm', ['install', '--no-audit', '--no-fund', '--offline', ...tarballs], { cwd: folder })
  }, options)
  after(() => rm(folder, { recursive: true, force: true }))

  it('has nothing native and no dependency but its codec', options, async () => {
    const lock = JSON.parse(await readFile(join(folder, 'package-lock.json'), 'utf8'))
    assert.deepEqual(Object.keys(lock.packages).sort(), [
      '',
      'node_modules/@geartrain/client',
      'node_modules/@geartrain/protocol',
    ])
  })

  it('is compiled with its types, and does a job', options, async () => {
    await symlink(join(repositoryRoot, 'node_modules', '@types'), join(folder, 'node_modules', '@types'))
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ ...configuration, files: ['program.ts'] }))
    await writeFile(join(folder, 'program.ts'), program)
    const tsc = join(repositoryRoot, 'node_modules', '.bin', 'tsc')
    await run(tsc, ['-p', folder]).catch((error: { stdout: string }) => assert.fail(error.stdout))
    await using server = await startServer('ours')
    const env = { ...process.env, SERVER: `127.0.0.1:${server.port}` }
    const { stdout } = await run(process.execPath, [join(folder, 'program.js')], { env, cwd: folder })
    assert.equal(stdout, 'HELLO\n')
  })

  it('says what is missing for its optional parts', options, async () => {
    for (const [program, missing] of [
      [`new (await import('@geartrain/client/threads')).ThreadPool()`, 'piscina'],
      [`await (await import('@geartrain/client/testing')).startTestServer()`, '@geartrain/server'],
    ] as const) {
      const args = ['--input-type=module', '-e', program]
      const failure = await run(process.execPath, args, { cwd: folder }).then(
        () => '',
        (error: { stderr: string }) => error.stderr,
      )
      assert.match(failure, new RegExp(`npm install.*${missing}`))
    }
  })
})
