import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { describe, test } from 'node:test'
import { settingNames, version } from '@geartrain/server'
import { freePort } from '../support/peers.ts'
import { geartrain, scratch, startCommand } from './command.ts'

type Row = {
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly code: number
  /** All of stderr. */
  readonly sentence: string
}

const refused: readonly Row[] = [
  { args: ['bogus'], code: 2, sentence: "geartrain bogus: unknown command 'bogus'" },
  { args: ['sreve'], code: 2, sentence: "geartrain sreve: unknown command 'sreve'; did you mean serve?" },
  { args: ['--bogus'], code: 2, sentence: "geartrain: unknown option '--bogus'" },
  {
    args: ['serve', '--prot', '1'],
    code: 2,
    sentence: "geartrain serve: unknown option '--prot'; did you mean --port?",
  },
  { args: ['serve', '-p', '1'], code: 2, sentence: "geartrain serve: unknown option '-p'" },
  { args: ['serve', '--port'], code: 2, sentence: "geartrain serve: option '--port <number>' argument missing" },
  { args: ['serve', 'now'], code: 2, sentence: 'geartrain serve: "now" is no flag, and serve takes flags only' },
  { args: ['demo', 'now'], code: 2, sentence: 'geartrain demo: "now" is no flag, and demo takes flags only' },
  {
    args: ['serve', '--port', 'http'],
    code: 2,
    sentence: 'geartrain serve: --port must be a whole number from 0 to 65535, not "http"',
  },
  {
    args: ['serve', '--grace', '10'],
    code: 2,
    sentence: 'geartrain serve: --grace must be a time with its unit, from 0 to 1d, such as 500ms, 10s or 5m, not "10"',
  },
  {
    args: ['serve', '--log-level', 'loud'],
    code: 2,
    sentence: 'geartrain serve: --log-level must be "debug", "info", "warn", "error" or "silent", not "loud"',
  },
  {
    args: ['serve', '--store', 'sqlite'],
    code: 2,
    sentence:
      'geartrain serve: --store must be "sqlite:" and a file, "postgres://" and the rest of a URL, or "memory", not "sqlite"',
  },
  {
    args: ['serve'],
    env: { GEARTRAIN_CONNECTIONS_MAX: 'many' },
    code: 2,
    sentence: 'geartrain serve: GEARTRAIN_CONNECTIONS_MAX must be a whole number from 1 to 10000000, not "many"',
  },
  {
    args: ['serve', '--config', '/nowhere/geartrain.toml'],
    code: 2,
    sentence: 'geartrain serve: cannot read the configuration file /nowhere/geartrain.toml: no such file or directory',
  },
  {
    args: ['serve'],
    env: { GEARTRAIN_CONFIG: '/' },
    code: 2,
    sentence: 'geartrain serve: cannot read the configuration file /: it is a directory',
  },
  {
    args: ['serve', '--log-file', '/nowhere/geartrain.log'],
    code: 1,
    sentence: 'geartrain serve: cannot write the log file /nowhere/geartrain.log: no such file or directory',
  },
  {
    args: ['serve', '--listen', '192.0.2.1', '--port', '0', '--insecure'],
    code: 1,
    sentence: 'geartrain serve: this machine does not have the address 192.0.2.1: choose one of its own with --listen',
  },
  {
    args: ['serve', '--listen', 'no-such-host.invalid'],
    code: 1,
    sentence:
      'geartrain serve: there is no address for the name no-such-host.invalid: check the name, or choose an address with --listen',
  },
]

describe('refused with one sentence', { concurrency: 2 }, () => {
  for (const { args, env = {}, code, sentence } of refused) {
    test(`${[...Object.entries(env).map((each) => each.join('=')), 'geartrain', ...args].join(' ')}`, async () => {
      const { stdout, stderr, ...ended } = await geartrain(args, { env })
      assert.deepEqual({ stdout, stderr, code: ended.code }, { stdout: '', stderr: `${sentence}\n`, code })
    })
  }
})

test('a key that is not known names the file, the line and the nearest one', async () => {
  using directory = scratch()
  const file = directory.path('geartrain.toml')
  writeFileSync(file, '# comment\n\nlisten = "127.0.0.1"\nprot = 4730\n')
  const { code, stderr } = await geartrain(['serve', '--config', file])
  assert.equal(stderr, `geartrain serve: ${file}, line 4: there is no setting "prot"; did you mean "port"?\n`)
  assert.equal(code, 2)
})

test('a port in use', async () => {
  await using server = await startCommand(['serve', '--port', '0', '--http', 'off'])
  const { code, stderr } = await geartrain(['serve', '--port', String(server.port)])
  assert.equal(
    stderr,
    `geartrain serve: port ${server.port} on 127.0.0.1 is in use: stop the program that has it, or choose another port with --port\n`,
  )
  assert.equal(code, 1)
})

test('a port of root, without root', async (t) => {
  if (process.getuid?.() === 0) return t.skip('root may have every port: run the tests as another user')
  const { code, stderr } = await geartrain(['serve', '--port', '80'])
  assert.match(stderr, /^geartrain serve: no permission to listen on port 80 on 127\.0\.0\.1: .*\n$/)
  assert.equal(code, 1)
})

test('geartrain alone shows its help and fails', async () => {
  const { code, stdout, stderr } = await geartrain([])
  assert.match(stderr, /^Usage: geartrain/)
  assert.deepEqual({ code, stdout }, { code: 2, stdout: '' })
})

for (const flag of ['--help', '-h']) {
  test(`geartrain ${flag}`, async () => {
    const { code, stdout, stderr } = await geartrain([flag])
    assert.match(stdout, /^Usage: geartrain/)
    for (const command of ['serve', 'gearmand', 'demo']) assert.match(stdout, new RegExp(`^  ${command} `, 'm'))
    assert.match(stdout, /^Examples:/m)
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
  })
}

for (const flag of ['--version', '-V']) {
  test(`geartrain ${flag}`, async () => {
    assert.deepEqual(await geartrain([flag]), { code: 0, signal: null, stdout: `${version}\n`, stderr: '' })
  })
}

test('geartrain serve --help shows every setting', async () => {
  const { code, stdout } = await geartrain(['serve', '--help'])
  assert.equal(code, 0)
  for (const name of settingNames) assert.match(stdout, new RegExp(`--(no-)?${name} `), name)
  assert.match(stdout, /^Examples:/m)
})

test('flags win over the environment, the environment over the file', async () => {
  using directory = scratch()
  const file = directory.path('geartrain.toml')
  const [ofFlag, ofVariable, ofFile] = [await freePort(), await freePort(), await freePort()]
  writeFileSync(file, `port = ${ofFile}\nhttp = "off"\nlog-format = "json"\n`)
  const flags = ['--port', String(ofFlag)]
  const env = { GEARTRAIN_PORT: String(ofVariable), GEARTRAIN_HTTP: 'off' }
  const rows: [args: string[], env: Record<string, string>, port: number][] = [
    [['--config', file, ...flags], env, ofFlag],
    [['--config', file], env, ofVariable],
    [['--config', file], {}, ofFile],
    [[], { GEARTRAIN_CONFIG: file }, ofFile],
  ]
  for (const [args, environment, port] of rows) {
    await using server = await startCommand(['serve', ...args], { env: environment })
    assert.equal(server.port, port)
    assert.match(server.readyLine, /^\{/)
  }
})

test('a flag --no-... turns off what the file turned on', async () => {
  using directory = scratch()
  const file = directory.path('geartrain.toml')
  writeFileSync(file, 'exceptions = true\nport = 0\nhttp = "off"\n')
  for (const flag of ['--exceptions', '--no-exceptions', '--keepalive', '--no-keepalive']) {
    await using server = await startCommand(['serve', '--config', file, flag])
    assert.ok(server.port > 0, `${flag} on ${hostname()}`)
  }
})
