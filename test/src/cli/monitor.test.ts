import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { WatchedServers } from '@geartrain/protocol'
import { hashToken, version } from '@geartrain/server'
import { FakeServer, honest } from '../watch/fake-server.ts'
import { geartrain, type Started, scratch, startCommand, startLogging, untilTrue } from './command.ts'

// `geartrain monitor`, as somebody starts it who has a Gearman server already.

const anywhere = ['--http', '127.0.0.1:0'] as const

function ask({ port }: Started, path: string, token?: string): Promise<Response> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  return fetch(`http://127.0.0.1:${port}${path}`, { headers })
}

async function addresses(started: Started): Promise<string[]> {
  // As the contract test has found it to be.
  const { servers } = (await (await ask(started, '/api/servers')).json()) as WatchedServers
  return servers.map(({ address, failure }) => (failure === undefined ? address : failure))
}

describe('geartrain monitor', () => {
  it('shows the servers that it is told, says where, and ends when it is told', async () => {
    await using fake = await FakeServer.start(honest({ status: 'f\t2\t1\t1\n.\n' }))
    await using started = await startCommand(['monitor', '--server', fake.address, '-s', 'localhost:1', ...anywhere])
    assert.match(started.readyLine, new RegExp(`ready on http://127.0.0.1:\\d+ for ${fake.address}, localhost:1$`))
    assert.deepEqual(await addresses(started), [fake.address, 'nothing listens on localhost:1'])
    assert.deepEqual(await (await ask(started, '/api/about')).json(), { kind: 'monitor', version, hasRules: false })
    started.command.kill('SIGTERM')
    const { code, stdout, stderr } = await started.command.ended()
    assert.deepEqual([code, stdout], [0, ''])
    assert.match(stderr, /SIGTERM: the monitor ends\n$/)
  })

  it('has the pages', async () => {
    await using started = await startCommand(['monitor', '-s', '127.0.0.1:1', ...anywhere])
    for (const path of ['/', '/servers']) {
      const page = await fetch(`http://127.0.0.1:${started.port}${path}`, { headers: { accept: 'text/html' } })
      assert.deepEqual([page.status, page.headers.get('content-type')], [200, 'text/html; charset=utf-8'])
      assert.match(await page.text(), /<script type="module"/)
    }
  })

  it('has nothing of a job server', async () => {
    await using started = await startCommand(['monitor', '-s', '127.0.0.1:1', ...anywhere])
    for (const path of ['/healthz', '/readyz', '/api/session'])
      assert.equal((await ask(started, path)).status, 200, path)
    for (const path of ['/api/functions', '/api/server', '/api/events', '/metrics']) {
      assert.equal((await ask(started, path)).status, 404, path)
    }
    const { paths } = (await (await ask(started, '/api/openapi.json')).json()) as { paths: Record<string, object> }
    assert.deepEqual(
      Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`)),
      [
        'get /api/servers',
        'get /api/about',
        'get /api/session',
        'post /api/session',
        'delete /api/session',
        'get /healthz',
        'get /readyz',
        'get /api/openapi.json',
      ],
    )
  })

  it('takes servers from --server, else from the setting watch, else from GEARMAN_SERVERS', async () => {
    using directory = scratch()
    const file = directory.path('geartrain.toml')
    writeFileSync(file, 'watch = "[::1]:2, 127.0.0.1"\nport = 1\n')
    const env = { GEARMAN_SERVERS: '127.0.0.1:3,127.0.0.1:4' }
    const rows: readonly [args: readonly string[], env: Record<string, string>, servers: string][] = [
      [['-s', '127.0.0.1:1,a:2', '-s', '127.0.0.1:1', '--config', file], env, '127.0.0.1:1, a:2'],
      [['--config', file], env, '[::1]:2, 127.0.0.1:4730'],
      [[], { ...env, GEARTRAIN_WATCH: 'b' }, 'b:4730'],
      [[], env, '127.0.0.1:3, 127.0.0.1:4'],
      [[], {}, '127.0.0.1:4730'],
    ]
    for (const [args, variables, servers] of rows) {
      await using started = await startCommand(['monitor', ...args, ...anywhere], { env: variables })
      assert.ok(started.readyLine.endsWith(` for ${servers}`), started.readyLine)
    }
  })

  it('logs for programs', async () => {
    await using started = await startCommand(['monitor', '-s', 'a:1', '--log-format', 'json', ...anywhere])
    const { http, servers, pid } = JSON.parse(started.readyLine) as Record<string, unknown>
    assert.deepEqual([http, servers, pid], [`http://127.0.0.1:${started.port}`, ['a:1'], started.command.pid])
  })

  it('lets in whom the rules of the file let in, and reads them again', async () => {
    using directory = scratch()
    const file = directory.path('access.toml')
    const rule = (token: string) => `[access.ops]\ntoken = "${hashToken(token)}"\nroles = ["view"]\n`
    writeFileSync(file, rule('one'))
    await using started = await startCommand(['monitor', '-s', '127.0.0.1:1', '--config', file, '--http', '*:0'])
    assert.equal((await ask(started, '/api/servers')).status, 401)
    assert.equal((await ask(started, '/api/servers', 'one')).status, 200)
    assert.deepEqual(await (await ask(started, '/api/about')).json(), { kind: 'monitor', hasRules: true })
    const begun = await fetch(`http://127.0.0.1:${started.port}/api/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"token":"one"}',
    })
    const cookie = begun.headers.get('set-cookie')?.split(';', 1)[0] ?? ''
    const shown = await fetch(`http://127.0.0.1:${started.port}/api/servers`, { headers: { cookie } })
    assert.equal(shown.status, 200)
    writeFileSync(file, rule('two'))
    started.command.kill('SIGHUP')
    await untilTrue('the other token is good', async () => (await ask(started, '/api/servers', 'two')).status === 200)
    assert.equal((await ask(started, '/api/servers', 'one')).status, 401)
    writeFileSync(file, 'wrong')
    started.command.kill('SIGHUP')
    await started.command.line(/SIGHUP: going on with the access rules as before: /)
    assert.equal((await ask(started, '/api/servers', 'two')).status, 200)
  })

  it('reads its rules again also when the log can not be opened again', async () => {
    using directory = scratch()
    const [file, logs] = [directory.path('access.toml'), directory.path('logs')]
    mkdirSync(logs)
    const rule = (token: string) => `[access.ops]\ntoken = "${hashToken(token)}"\nroles = ["view"]\n`
    writeFileSync(file, rule('one'))
    const log = join(logs, 'monitor.log')
    const args = ['monitor', '-s', '127.0.0.1:1', '--config', file, '--log-file', log, ...anywhere]
    await using started = await startLogging(log, args)
    rmSync(logs, { recursive: true })
    writeFileSync(file, rule('two'))
    started.command.kill('SIGHUP')
    await untilTrue('the other token is good', async () => (await ask(started, '/api/servers', 'two')).status === 200)
    assert.equal((await ask(started, '/api/servers', 'one')).status, 401)
  })

  it('shows others to those alone who may view all functions', async () => {
    using directory = scratch()
    const file = directory.path('access.toml')
    writeFileSync(file, `[access.ops]\ntoken = "${hashToken('t')}"\nroles = ["view"]\nfunctions = ["mail.*"]\n`)
    await using fake = await FakeServer.start()
    await using started = await startCommand(['monitor', '-s', fake.address, '--config', file, ...anywhere])
    assert.deepEqual(await (await ask(started, '/api/servers', 't')).json(), { servers: [] })
    assert.equal(fake.connections, 0)
  })

  it('listens for everyone without rules if it is told so, and warns', async () => {
    await using started = await startCommand(['monitor', '-s', 'a:1', '--http', '*:0', '--insecure'])
    assert.match(started.readyLine, /ready on http:\/\/localhost:\d+ for a:1$/)
    assert.match(started.command.stderr, /there are no access rules: everyone who can reach \* may see everything\n/)
  })

  const wrong: readonly [args: readonly string[], env: Record<string, string>, code: number, sentence: RegExp][] = [
    [['--http', '*:0'], {}, 2, /^listening on \* without access rules lets everyone .* or add --insecure$/],
    [['--http', 'off'], {}, 2, /^http is off, and a monitor is nothing else$/],
    [['--server', 'a:b'], {}, 2, /"a:b" is not a server: write host:port\.$/],
    [['-s', 'a,b:65536'], {}, 2, /"b:65536" is not a server: a port is 1 to 65535\.$/],
    [[], { GEARMAN_SERVERS: 'a:b' }, 2, /^"a:b" is not a server: write host:port$/],
    [[], { GEARTRAIN_WATCH: 'a:b' }, 2, /^GEARTRAIN_WATCH must be job servers such as .*, not "a:b"$/],
    [['--config', '/nowhere.toml'], {}, 2, /^cannot read the configuration file \/nowhere.toml: /],
    [['10.0.0.1'], {}, 2, /^"10.0.0.1" is no flag, and monitor takes flags only$/],
    [['--port', '1'], {}, 2, /^unknown option '--port'/],
    [['--http-tls'], {}, 1, /^http-tls takes a certificate and its key: tls-cert and tls-key$/],
    [['--log-file', '/'], {}, 1, /^cannot write the log file \/: it is a directory$/],
  ]
  for (const [args, env, code, sentence] of wrong) {
    it(`refuses ${[...args, ...Object.values(env)].join(' ')}`, async () => {
      const ended = await geartrain(['monitor', ...args], { env })
      assert.equal(ended.code, code)
      assert.match(ended.stderr, new RegExp(`^geartrain monitor: .*\\n$`))
      assert.match(ended.stderr.slice('geartrain monitor: '.length, -1), sentence)
    })
  }

  it('says what to do when somebody else listens there', async () => {
    const taken = net.createServer()
    const port = await new Promise<number>((resolve) => {
      // It listens on TCP, whose addresses are objects.
      taken.listen(0, '127.0.0.1', () => resolve((taken.address() as net.AddressInfo).port))
    })
    try {
      const { code, stderr } = await geartrain(['monitor', '-s', 'a', '--http', String(port)])
      assert.equal(code, 1)
      assert.match(stderr, /is in use: stop the program that has it, or choose another port with --http\n$/)
    } finally {
      taken.close()
    }
  })
})
