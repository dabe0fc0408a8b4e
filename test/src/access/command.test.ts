import assert from 'node:assert/strict'
import { statSync, writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { createServer, hashToken, readConfigFile, UnguardedError } from '@geartrain/server'
import { geartrain, scratch, startCommand } from '../cli/command.ts'
import { Certificates } from '../tls/certificates.ts'

describe('geartrain token', () => {
  test('prints a token, and the rule for its hash', async () => {
    using directory = scratch()
    const { code, stdout } = await geartrain(['token', '--name', 'ci.main'])
    assert.equal(code, 0)
    const [token = '', empty, ...rule] = stdout.split('\n')
    assert.match(token, /^gt_[\w-]{43}$/)
    assert.equal(empty, '')
    const file = directory.path('access.toml')
    writeFileSync(file, rule.join('\n'))
    const [read] = (await readConfigFile(file)).access
    assert.deepEqual([read?.name, read?.token, [...(read?.roles ?? [])]], ['ci.main', [hashToken(token)], ['submit']])
  })

  test('and both in JSON', async () => {
    const { stdout } = await geartrain(['token', '--json'])
    const { name, token, hash } = JSON.parse(stdout) as { name: string; token: string; hash: string }
    assert.deepEqual([name, hash], ['NAME', hashToken(token)])
  })
})

describe('commands that connect', () => {
  test('show the token of --token, or of GEARTRAIN_TOKEN', async () => {
    using directory = scratch()
    const config = directory.path('access.toml')
    writeFileSync(config, `[access.ops]\ntoken = "${hashToken('secret')}"\nroles = "admin"\n`)
    await using server = await startCommand([
      'serve',
      '--port',
      '0',
      '--http',
      'off',
      '--store',
      'memory',
      '--config',
      config,
    ])
    const at = ['--servers', `127.0.0.1:${server.port}`]
    const shown = await geartrain(['status', '--json', ...at, '--token', 'secret'])
    assert.deepEqual([shown.code, shown.stdout], [0, '[]\n'])
    const inherited = await geartrain(['function', 'list', '--json', ...at], { env: { GEARTRAIN_TOKEN: 'secret' } })
    assert.deepEqual([inherited.code, inherited.stdout], [0, '[]\n'])
    const left = await geartrain(['status', ...at])
    assert.equal(left.code, 1)
    assert.match(left.stderr, /^geartrain status: this takes the role view, which no access rule gives you\n$/)
    const wrong = await geartrain(['do', 'f', 'x', ...at, '--token', 'wrong'])
    assert.equal(wrong.code, 4)
    assert.match(
      wrong.stderr,
      /^geartrain do: this token lets nobody in from here: .*: see --token and GEARTRAIN_TOKEN\n$/,
    )
    assert.ok(!server.command.stderr.includes('secret'))
  })
})

test('what a store keeps is for its owner alone: jobs, and the key that sessions are signed with', async () => {
  using directory = scratch()
  const file = directory.path('jobs.db')
  {
    await using server = createServer({ port: 0, store: `sqlite:${file}` })
    await server.listen()
  }
  const at = ['--store', `sqlite:${file}`]
  assert.equal((await geartrain(['store', 'backup', directory.path('copy.db'), ...at])).code, 0)
  assert.equal((await geartrain(['store', 'export', directory.path('jobs.jsonl'), ...at])).code, 0)
  for (const name of ['jobs.db', 'copy.db', 'jobs.jsonl']) {
    assert.equal(statSync(directory.path(name)).mode & 0o777, 0o600, name)
  }
})

describe('a server that others can reach', () => {
  const places: readonly [args: readonly string[], place: string][] = [
    [['--listen', '*'], '*'],
    [['--listen', '0.0.0.0'], '0.0.0.0'],
    [['--listen', '::'], '::'],
    [['--http', '*:0'], '*'],
    [['--http', '[::]:0'], '::'],
  ]
  for (const [args, place] of places) {
    test(`is not started without rules: ${args.join(' ')}`, async () => {
      const { code, stderr } = await geartrain(['serve', '--port', '0', '--http', 'off', '--store', 'memory', ...args])
      assert.equal(code, 2)
      assert.equal(
        stderr,
        `geartrain serve: listening on ${place} without access rules lets everyone who reaches it do everything: say who may do what in tables [access.NAME] of the configuration file (geartrain token makes one), listen on 127.0.0.1, or add --insecure\n`,
      )
    })
  }

  test('is started with rules', async () => {
    using directory = scratch()
    const config = directory.path('access.toml')
    writeFileSync(config, '[access.here]\nnetwork = "127.0.0.0/8"\nroles = "admin"\n')
    const args = ['serve', '--port', '0', '--http', 'off', '--store', 'memory', '--listen', '*', '--config', config]
    await using server = await startCommand(args)
    assert.ok(!server.command.stderr.includes('access rules'))
  })

  for (const [command, ...args] of [
    ['serve', '--insecure', '--port', '0', '--http', 'off', '--store', 'memory', '--listen', '*'],
    ['gearmand', '--port', '0', '-l', 'stderr'],
  ] as const) {
    test(`is started by ${command} ${args[0]}, with a warning`, async () => {
      await using server = await startCommand([command, ...args])
      assert.match(server.command.stderr, /there are no access rules: everyone who can reach \* may do everything/)
    })
  }

  test('is refused in a program as well, before its store is opened', async () => {
    await using server = createServer({ port: 0, listen: '*', store: 'sqlite:/nowhere/at/all.db' })
    await assert.rejects(server.listen(), (error) => {
      assert.ok(error instanceof UnguardedError)
      assert.equal(error.code, 'UNGUARDED')
      return error.place === '*'
    })
  })

  test('may be one to which only those come who have a certificate', async () => {
    using files = new Certificates()
    const authority = files.authority('ca')
    const { cert, key } = authority.make('server')
    const tls = { cert, key, ca: authority.own.cert, clients: 'require' } as const
    const common = { port: 0, listen: '*', tls } as const
    await using guarded = createServer({ ...common, http: '*:0', httpTls: true })
    await guarded.listen()
    assert.equal(guarded.unguarded, undefined)
    for (const more of [
      { tlsPort: 0 },
      { tlsPort: 'off' },
      { http: '*:0' },
      { gearmandHttp: '*:0' },
      { tls: { ...tls, clients: 'request' } },
    ] as const) {
      await using server = createServer({ ...common, ...more })
      await assert.rejects(server.listen(), UnguardedError, JSON.stringify(more))
    }
  })

  test('may be one that says insecure', async () => {
    await using server = createServer({ port: 0, listen: '*', insecure: true })
    await server.listen()
  })
})
