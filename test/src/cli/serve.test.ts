import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, renameSync } from 'node:fs'
import { describe, test } from 'node:test'
import { freePort, repositoryRoot } from '../support/peers.ts'
import { connect, PACKET, type RawPeer } from '../support/raw.ts'
import { Command, readIfThere, scratch, startCommand, startLogging, until } from './command.ts'

const quick = ['serve', '--port', '0', '--http', 'off']

describe('the line that says the server is ready', () => {
  test('in JSON', async () => {
    await using server = await startCommand([...quick, '--log-format', 'json'])
    assert.equal(server.command.stderr.split('\n').length, 2, 'one line')
    const entry: unknown = JSON.parse(server.readyLine)
    assert.ok(typeof entry === 'object' && entry !== null && 'time' in entry && typeof entry.time === 'string')
    assert.ok(Math.abs(Date.parse(entry.time) - Date.now()) < 60_000)
    assert.deepEqual(
      { ...entry, time: '' },
      {
        level: 'info',
        time: '',
        port: server.port,
        addresses: [`127.0.0.1:${server.port}`],
        store: 'sqlite:./geartrain.db',
        pid: server.command.pid,
        msg: `ready on 127.0.0.1:${server.port}, store sqlite:./geartrain.db`,
      },
    )
  })

  test('for people, without colours when it is no terminal that shows it', async () => {
    await using server = await startCommand(quick)
    assert.match(
      server.readyLine,
      /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\] INFO: ready on 127\.0\.0\.1:\d+, store sqlite:\.\/geartrain\.db$/,
    )
  })

  test('says every address of a name', async () => {
    await using server = await startCommand([...quick, '--listen', 'localhost', '--log-format', 'json'])
    for (const [, port] of server.readyLine.matchAll(/:(\d+)"/g)) assert.equal(Number(port), server.port)
    assert.match(server.readyLine, /127\.0\.0\.1:\d+/)
  })

  test('is said whatever the level', async () => {
    await using server = await startCommand([...quick, '--log-level', 'error'])
    server.command.kill('SIGTERM')
    assert.equal((await server.command.ended()).stderr, `${server.readyLine}\n`)
  })

  test('is not said with --log-level silent', async () => {
    const port = await freePort()
    await using command = new Command(['serve', '--port', String(port), '--http', 'off', '--log-level', 'silent'])
    await untilAnswers(port)
    command.kill('SIGTERM')
    assert.deepEqual(await command.ended(), { code: 0, signal: null, stdout: '', stderr: '' })
  })

  test('has colours on a terminal, unless NO_COLOR is set', async (t) => {
    if (!existsSync('/usr/bin/script')) return t.skip('script is not installed: apt-get install bsdutils')
    const shown = (env: Record<string, string>) => {
      const command = `echo pid $$; exec ${process.execPath} ${repositoryRoot}packages/cli/bin/geartrain.js ${quick.join(' ')} --store memory`
      const child = spawn('/usr/bin/script', ['-qefc', command, '/dev/null'], {
        env: { PATH: process.env['PATH'], TERM: 'xterm', ...env },
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      return new Promise<string>((resolve) => {
        let output = ''
        let isStopped = false
        child.stdout.on('data', (chunk: Buffer) => {
          output += chunk.toString()
          const [, pid] = /pid (\d+)/.exec(output) ?? []
          if (pid === undefined || isStopped || !output.includes('store memory')) return
          isStopped = true
          process.kill(Number(pid))
        })
        child.once('close', () => resolve(output))
      })
    }
    assert.ok((await shown({})).includes('\u001b[32mINFO'))
    assert.ok(!(await shown({ NO_COLOR: '1' })).includes('\u001b'))
  })
})

test('settings reach the server', async () => {
  await using server = await startCommand(
    [...quick, '--handle-prefix', 'X:y', '--log-level', 'debug', '--packet-bytes-max', '1KiB'],
    { env: { GEARTRAIN_EXCEPTIONS: 'true' } },
  )
  await using client = await connect(server.port)
  client.sendLine('verbose')
  assert.equal(await client.receiveText('\n'), 'OK DEBUG\n')
  client.send(PACKET.SUBMIT_JOB_BG, 'f', '', 'work')
  assert.match((await client.receive()).body.toString(), /^X:y:\d+$/)
  client.send(PACKET.ECHO_REQ, 'x'.repeat(1024))
  assert.equal((await client.receive()).name, 'ECHO_RES')
  client.send(PACKET.ECHO_REQ, 'x'.repeat(1025))
  assert.equal((await client.receive()).name, 'ERROR')
})

describe('signals', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`${signal} without a job ends the server at once`, async () => {
      await using server = await startCommand(quick)
      await using idle = await connect(server.port)
      server.command.kill(signal)
      const { code } = await server.command.ended()
      assert.equal(code, 0)
      await idle.expectClosed()
    })

    test(`${signal} lets a running job finish`, async () => {
      await using server = await startCommand(quick)
      await using client = await connect(server.port, 'client')
      await using worker = await connect(server.port, 'worker')
      const handle = await startJob(client, worker)
      server.command.kill(signal)
      await server.command.line(new RegExp(`${signal}: no more connections and jobs; running jobs have 10 s to finish`))
      await refusesConnections(server.port)
      worker.send(PACKET.WORK_COMPLETE, handle, 'result')
      const { name, data } = await client.receive()
      assert.deepEqual([name, data.toString()], ['WORK_COMPLETE', 'result'])
      assert.equal((await server.command.ended()).code, 0)
    })

    test(`${signal} twice ends it now`, async () => {
      await using server = await startCommand(quick)
      await using client = await connect(server.port, 'client')
      await using worker = await connect(server.port, 'worker')
      await startJob(client, worker)
      server.command.kill(signal)
      await server.command.line(new RegExp(`${signal}: `))
      server.command.kill(signal)
      assert.equal((await server.command.ended()).code, signal === 'SIGTERM' ? 143 : 130)
    })
  }

  test('a job has --grace to finish', async () => {
    await using server = await startCommand([...quick, '--grace', '50ms'])
    await using client = await connect(server.port, 'client')
    await using worker = await connect(server.port, 'worker')
    await startJob(client, worker)
    server.command.kill('SIGTERM')
    assert.equal((await server.command.ended()).code, 0)
    await client.expectClosed()
  })

  test('SIGUSR1 lets all jobs finish, waiting ones too', async () => {
    await using server = await startCommand(quick)
    await using client = await connect(server.port, 'client')
    await using worker = await connect(server.port, 'worker')
    const running = await startJob(client, worker)
    client.send(PACKET.SUBMIT_JOB, 'f', '', 'waiting')
    assert.equal((await client.receive()).name, 'JOB_CREATED')
    server.command.kill('SIGUSR1')
    await server.command.line(/SIGUSR1: no more connections; the server ends when no job is left/)
    assert.doesNotMatch(server.command.stderr, /[Dd]ebugger/)
    await refusesConnections(server.port)
    worker.send(PACKET.WORK_COMPLETE, running, '')
    worker.send(PACKET.GRAB_JOB)
    const { name, args, data } = await worker.receive()
    assert.deepEqual([name, data.toString()], ['JOB_ASSIGN', 'waiting'])
    worker.send(PACKET.WORK_COMPLETE, args[0] ?? '', '')
    assert.equal((await server.command.ended()).code, 0)
    assert.equal((await client.receive()).name, 'WORK_COMPLETE')
    assert.equal((await client.receive()).name, 'WORK_COMPLETE')
  })

  test('SIGTERM after SIGUSR1 ends the wait', async () => {
    await using server = await startCommand([...quick, '--grace', '0'])
    await using client = await connect(server.port, 'client')
    await using worker = await connect(server.port, 'worker')
    await startJob(client, worker)
    server.command.kill('SIGUSR1')
    await server.command.line(/SIGUSR1: /)
    server.command.kill('SIGTERM')
    assert.equal((await server.command.ended()).code, 0)
    assert.match(server.command.stderr, /SIGTERM: no more connections and jobs; nobody waits for running jobs/)
  })

  test('SIGHUP opens the log file again', async () => {
    using directory = scratch()
    const [file, old] = [directory.path('log'), directory.path('log.1')]
    const args = [...quick, '--log-file', file, '--log-format', 'json']
    await using server = await startLogging(file, args)
    renameSync(file, old)
    server.command.kill('SIGHUP')
    const line = await until('the new file has a line', () => readIfThere(file))
    assert.match(line, /"msg":"SIGHUP: the log file has been reopened"/)
    assert.match(readIfThere(old) ?? '', /"msg":"ready on /)
    server.command.kill('SIGTERM')
    assert.deepEqual(await server.command.ended(), { code: 0, signal: null, stdout: '', stderr: '' })
  })

  test('SIGHUP changes nothing where the log is stderr', async () => {
    await using server = await startCommand(quick)
    server.command.kill('SIGHUP')
    await server.command.line(/SIGHUP: /)
    await using client = await connect(server.port)
    await client.sync()
  })
})

/** A job of the function `f` that the worker has and the client waits for; its handle. */
async function startJob(client: RawPeer, worker: RawPeer): Promise<string> {
  worker.send(PACKET.CAN_DO, 'f')
  await worker.sync()
  client.send(PACKET.SUBMIT_JOB, 'f', '', 'work')
  assert.equal((await client.receive()).name, 'JOB_CREATED')
  worker.send(PACKET.GRAB_JOB)
  const { name, args } = await worker.receive()
  assert.equal(name, 'JOB_ASSIGN')
  return args[0] ?? ''
}

async function refusesConnections(port: number): Promise<void> {
  await assert.rejects(connect(port), /ECONNREFUSED/)
}

async function untilAnswers(port: number): Promise<void> {
  const deadline = Date.now() + 10_000
  for (;;) {
    try {
      await using peer = await connect(port)
      return await peer.sync()
    } catch (error) {
      if (Date.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
}
