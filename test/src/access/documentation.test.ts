import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { Access, readConfigFile, roles } from '@geartrain/server'
import { scratch, startCommand } from '../cli/command.ts'
import { readBlocks } from '../documentation/blocks.ts'
import { repositoryRoot } from '../support/peers.ts'

// The examples of docs/access.md are run.

const run = promisify(execFile)
const page = 'docs/access.md'
const blocks = readBlocks(page)
const sources = (language: string) => blocks.filter((block) => block.language === language).map(({ source }) => source)

test('the first rule', async () => {
  using directory = scratch()
  const [making = '', showing = ''] = sources('sh')
  mkdirSync(directory.path('bin'))
  const script = join(repositoryRoot, 'packages/cli/bin/geartrain.js')
  writeFileSync(directory.path('bin/geartrain'), `#!/bin/sh\nexec ${process.execPath} ${script} "$@"\n`, {
    mode: 0o755,
  })
  const path = `${directory.path('bin')}:${process.env['PATH']}`
  const shell = async (text: string, env: Record<string, string> = {}) => {
    const { stdout } = await run('sh', ['-e', '-c', text], { cwd: directory.path('.'), env: { PATH: path, ...env } })
    return stdout
  }

  assert.equal(await shell(making), '')
  const args = [
    'serve',
    '--config',
    directory.path('geartrain.toml'),
    '--port',
    '0',
    '--http',
    '0',
    '--store',
    'memory',
  ]
  await using server = await startCommand([...args, '--log-format', 'json'])
  const { http } = JSON.parse(server.readyLine) as { http: string }
  const stdout = await shell(showing.replace('127.0.0.1:4731', http), { GEARMAN_SERVERS: `127.0.0.1:${server.port}` })
  assert.match(stdout, /^H:.*\n/)
  assert.match(stdout, /resize +1/)
  assert.match(stdout, /"name":"ops".*"functions":\["\*"\]/)
})

test('the rules', async () => {
  using directory = scratch()
  const [toml = ''] = sources('toml')
  writeFileSync(directory.path('geartrain.toml'), toml)
  const { access } = await readConfigFile(directory.path('geartrain.toml'))
  assert.deepEqual(
    access.map(({ name }) => name),
    ['web', 'workers', 'local', 'ops'],
  )
  const certificate = { subject: 'worker-7', fingerprint256: '' }
  assert.equal(new Access(access).identify({ address: '10.20.3.4', certificate }).name, 'workers')
  assert.equal(new Access(access).identify({ address: '127.0.0.1' }).name, 'local')
})

test('every role has its row', () => {
  const text = readFileSync(join(repositoryRoot, page), 'utf8')
  const rows = Array.from(text.matchAll(/^\| `(\w+)` +\|/gm), ([, name]) => name)
  assert.deepEqual(
    rows.filter((name) => roles.some((role) => role === name)),
    [...roles],
  )
})
