import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { describe, test } from 'node:test'
import { freePort } from '../support/peers.ts'
import { connect, PACKET } from '../support/raw.ts'
import { geartrain, isAlive, portOf, readIfThere, scratch, startCommand, startLogging, until } from './command.ts'

const isRoot = process.getuid?.() === 0

/** On a port of this machine, a free one if none is given, with nothing left outside of `path`. */
function quick(path: (name: string) => string, port = 0): string[] {
  return ['gearmand', '-p', String(port), '-L', '127.0.0.1', '-l', 'stderr', '-P', path('pid')]
}

describe('the log', () => {
  test('has the lines of C gearmand', async () => {
    using directory = scratch()
    await using server = await startCommand(quick(directory.path))
    assert.match(
      server.readyLine,
      /^ {3}INFO \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} \[ {2}main \] ready on 127\.0\.0\.1:\d+, store memory$/,
    )
  })

  test('is JSON if GEARTRAIN_LOG_FORMAT says so', async () => {
    using directory = scratch()
    await using server = await startCommand(quick(directory.path), { env: { GEARTRAIN_LOG_FORMAT: 'json' } })
    const entry: unknown = JSON.parse(server.readyLine)
    assert.ok(typeof entry === 'object' && entry !== null && 'port' in entry)
    assert.equal(entry.port, server.port)
  })

  test('notes what has no effect', async () => {
    using directory = scratch()
    const file = directory.path('gearmand.conf')
    writeFileSync(file, '# threads\n--threads 8')
    const args = ['-R', '--syslog', '--coredump', '--hashtable-buckets=7', '--mysql-password=secret']
    const own = { GEARMAND_PORT: 'tcp://10.0.0.7:4730', GEARTRAIN_LISTEN: '127.0.0.1', GEARMAND_SERVER_PEM: '/x' }
    await using server = await startCommand(
      [
        'gearmand',
        '-l',
        'stderr',
        '-P',
        directory.path('pid'),
        '-L',
        '127.0.0.1',
        `--config-file=${file}`,
        ...args,
        '-p',
        '0',
      ],
      { env: own },
    )
    const lines = server.command.stderr.split('\n').filter((line) => line.startsWith('WARNING'))
    const notes = lines.map((line) => line.replace(/^.*\[ {2}main \] /, ''))
    assert.deepEqual(notes, [
      `${file}: words that belong to no flag are ignored: # threads`,
      '--hashtable-buckets has no effect: tables grow by themselves here',
      "--round-robin has no effect: a worker's functions always take turns here",
      '--syslog has no effect: with -l stderr the lines go to journald under systemd, and elsewhere into a pipe to logger',
      '--coredump has no effect: set the limit with ulimit -c before the start',
      '--threads has no effect: one thread does all the work here',
      '--mysql-password has no effect: it belongs to a queue type that this version does not have',
      "GEARTRAIN_LISTEN is ignored: gearmand's flags decide here",
    ])
  })

  test('says when there are fewer file descriptors than asked for', async () => {
    using directory = scratch()
    await using server = await startCommand([...quick(directory.path), '-f', '4000000000'])
    assert.match(server.command.stderr, /--file-descriptors 4000000000: this process may open \d+ files; raise that/)
    await using modest = await startCommand([...quick(directory.path), '-f', '10'])
    assert.doesNotMatch(modest.command.stderr, /--file-descriptors/)
  })

  test('is a file, and SIGHUP opens it again', async () => {
    using directory = scratch()
    const [file, old] = [directory.path('log'), directory.path('log.1')]
    const args = ['gearmand', '-p', '0', '-L', '127.0.0.1', '-P', directory.path('pid'), '--verbose', 'INFO']
    await using server = await startLogging(file, [...args, '-l', file])
    renameSync(file, old)
    server.command.kill('SIGHUP')
    assert.match(
      await until('the new file has a line', () => readIfThere(file)),
      /SIGHUP: the log file has been reopened/,
    )
  })

  test('is stderr if the file cannot be opened', async () => {
    using directory = scratch()
    const args = ['gearmand', '-p', '0', '-L', '127.0.0.1', '-P', directory.path('pid'), '-l', '/nowhere/log']
    await using server = await startCommand(args)
    assert.match(
      server.command.stderr,
      /^geartrain gearmand: cannot write the log file \/nowhere\/log, logging to stderr: no such file or directory\n/,
    )
  })

  test('is nowhere with -l none', async () => {
    using directory = scratch()
    const port = await freePort()
    const args = ['gearmand', '-p', String(port), '-L', '127.0.0.1', '-d', '-P', directory.path('pid'), '-l', 'none']
    await using daemon = await startDaemon(args, directory.path('pid'))
    assert.deepEqual(daemon.started, { code: 0, signal: null, stdout: '', stderr: '' })
  })
})

describe('flags reach the server', () => {
  test('--verbose, -j, -w, --exceptions and --job-handle-prefix', async () => {
    using directory = scratch()
    const flags = ['--verbose', 'NOTICE', '-j', '1', '-w', '0', '--exceptions', '--job-handle-prefix', 'X:y']
    await using server = await startCommand([...quick(directory.path), ...flags])
    await using client = await connect(server.port, 'client')
    client.sendLine('verbose')
    assert.equal(await client.receiveText('\n'), 'OK NOTICE\n')

    const workers = [await connect(server.port, 'first'), await connect(server.port, 'second')] as const
    for (const worker of workers) {
      worker.send(PACKET.CAN_DO, 'f')
      worker.send(PACKET.PRE_SLEEP)
      await worker.sync()
    }
    client.send(PACKET.SUBMIT_JOB, 'f', '', 'work')
    assert.match((await client.receive()).body.toString(), /^X:y:\d+$/)
    // -w 0: both are woken.
    for (const worker of workers) assert.equal((await worker.receive()).name, 'NOOP')

    const [first, second] = workers
    first.send(PACKET.GRAB_JOB)
    const assigned = await first.receive()
    first.send(PACKET.WORK_EXCEPTION, assigned.args[0] ?? '', 'no')
    assert.equal((await client.receive()).name, 'WORK_EXCEPTION')

    // -j 1: one attempt.
    client.send(PACKET.SUBMIT_JOB, 'f', '', 'work')
    await client.receive()
    second.send(PACKET.GRAB_JOB)
    assert.equal((await second.receive()).name, 'JOB_ASSIGN')
    second.destroy()
    assert.equal((await client.receive()).name, 'WORK_FAIL')
    first.destroy()
  })

  test('of two sleeping workers one is woken if -w is not given', async () => {
    using directory = scratch()
    await using server = await startCommand(quick(directory.path))
    await using client = await connect(server.port, 'client')
    await using first = await connect(server.port, 'first')
    await using second = await connect(server.port, 'second')
    for (const worker of [first, second]) {
      worker.send(PACKET.CAN_DO, 'f')
      worker.send(PACKET.PRE_SLEEP)
      await worker.sync()
    }
    client.send(PACKET.SUBMIT_JOB_BG, 'f', '', 'work')
    assert.match((await client.receive()).body.toString(), new RegExp(`^H:${hostname()}:`))
    await client.sync()
    await Promise.all([first.sync(), second.sync()])
    assert.equal([first, second].filter((worker) => worker.pending.length > 0).length, 1)
  })

  test('the limits are as wide as those of gearmand, and can be set', async () => {
    using directory = scratch()
    const name = 'f'.repeat(8000)
    await using wide = await startCommand(quick(directory.path))
    await using first = await connect(wide.port)
    first.send(PACKET.SUBMIT_JOB_BG, name, '', 'work')
    assert.equal((await first.receive()).name, 'JOB_CREATED')

    const env = { GEARTRAIN_FUNCTION_NAME_BYTES_MAX: '7999' }
    await using narrow = await startCommand(quick(directory.path), { env })
    await using second = await connect(narrow.port)
    second.send(PACKET.SUBMIT_JOB_BG, name, '', 'work')
    assert.equal((await second.receive()).name, 'ERROR')
  })

  test('-p wins over the configuration file, the file over GEARMAND_PORT', async () => {
    using directory = scratch()
    const [ofFlag, ofFile, ofVariable] = [await freePort(), await freePort(), await freePort()]
    const file = directory.path('gearmand.conf')
    writeFileSync(file, `--port=${ofFile}`)
    const args = ['gearmand', '-L', '127.0.0.1', '-l', 'stderr', '-P', directory.path('pid')]
    const env = { GEARMAND_PORT: String(ofVariable) }
    const rows: [args: string[], port: number][] = [
      [['--config-file', file, '-p', String(ofFlag)], ofFlag],
      [['--config-file', file], ofFile],
      [[], ofVariable],
    ]
    for (const [more, port] of rows) {
      await using server = await startCommand([...args, ...more], { env })
      assert.equal(server.port, port)
    }
  })

  test('without -L every address is listened on', async () => {
    using directory = scratch()
    await using server = await startCommand(['gearmand', '-p', '0', '-l', 'stderr', '-P', directory.path('pid')])
    assert.match(server.readyLine, /ready on (\[::\]|0\.0\.0\.0):\d+,/)
    await using peer = await connect(server.port)
    await peer.sync()
  })
})

describe('the process', () => {
  test('starts with an empty environment, as a service manager has it', async () => {
    using directory = scratch()
    await using server = await startCommand(quick(directory.path), { env: {}, cwd: '/' })
    await using peer = await connect(server.port)
    await peer.sync()
  })

  test('SIGTERM ends it and does not wait for jobs', async () => {
    using directory = scratch()
    await using server = await startCommand(quick(directory.path))
    await using peer = await connect(server.port)
    peer.send(PACKET.CAN_DO, 'f')
    peer.send(PACKET.SUBMIT_JOB_BG, 'f', '', 'work')
    peer.send(PACKET.GRAB_JOB)
    assert.equal((await peer.receive()).name, 'JOB_CREATED')
    assert.equal((await peer.receive()).name, 'JOB_ASSIGN')
    server.command.kill('SIGTERM')
    assert.equal((await server.command.ended()).code, 0)
  })

  test('has a pid file while it runs, in the place of one that was left', async () => {
    using directory = scratch()
    const file = directory.path('pid')
    writeFileSync(file, '1\n')
    await using server = await startCommand(quick(directory.path))
    assert.equal(readIfThere(file), `${server.command.pid}\n`)
    server.command.kill('SIGTERM')
    await server.command.ended()
    assert.equal(readIfThere(file), undefined)
  })

  test('a second one that cannot have the port leaves the pid file alone', async () => {
    using directory = scratch()
    await using server = await startCommand(quick(directory.path))
    const { code } = await geartrain(quick(directory.path, server.port))
    assert.equal(code, 1)
    assert.equal(readIfThere(directory.path('pid')), `${server.command.pid}\n`)
  })

  test('leaves a pid file alone that another has taken over', async () => {
    using directory = scratch()
    const file = directory.path('pid')
    await using server = await startCommand(quick(directory.path))
    writeFileSync(file, '1\n')
    server.command.kill('SIGTERM')
    await server.command.ended()
    assert.equal(readIfThere(file), '1\n')
  })

  test('-u gives root away, and with it the log and the pid file', async (t) => {
    if (!isRoot) return t.skip('only root can become another user: run the tests as root')
    using directory = scratch()
    chmodSync(directory.path(''), 0o755)
    const [log, pid] = [directory.path('log'), directory.path('pid')]
    const args = ['gearmand', '-p', '0', '-L', '127.0.0.1', '-l', log, '-P', pid, '-u', 'nobody', '--verbose', 'INFO']
    await using server = await startLogging(log, args)
    const uid = Number(execFileSync('id', ['-u', 'nobody'], { encoding: 'utf8' }))
    const gid = Number(execFileSync('id', ['-g', 'nobody'], { encoding: 'utf8' }))
    const status = await until('the process has a status', () => readIfThere(`/proc/${server.command.pid}/status`))
    assert.match(status, new RegExp(`^Uid:\\t${uid}\\t${uid}\\t${uid}\\t`, 'm'))
    assert.match(status, new RegExp(`^Gid:\\t${gid}\\t${gid}\\t${gid}\\t`, 'm'))
    assert.match(status, new RegExp(`^Groups:\\t${gid} *$`, 'm'))
    for (const file of [log, pid]) assert.equal(statSync(file).uid, uid)
    server.command.kill('SIGHUP')
    await until('the log could be reopened', () => readIfThere(log)?.includes('SIGHUP: the log') || undefined)
    server.command.kill('SIGTERM')
    await server.command.ended()
    assert.equal(readIfThere(pid), undefined, 'no process id is left in the file')
  })
})

describe('gearmand -d', () => {
  test('comes back when the daemon is ready', async () => {
    using directory = scratch()
    const [log, pid] = [directory.path('log'), directory.path('pid')]
    const port = await freePort()
    const args = ['gearmand', '-d', '-p', String(port), '-L', '127.0.0.1', '-l', log, '-P', pid]
    await using daemon = await startDaemon(args, pid)
    assert.deepEqual(daemon.started, { code: 0, signal: null, stdout: '', stderr: '' })
    const text = readIfThere(log) ?? ''
    assert.equal(portOf(text), port)
    await using peer = await connect(port)
    peer.sendLine('getpid')
    assert.equal(await peer.receiveText('\n'), `OK ${daemon.pid}\n`)
    // A session of its own: the terminal's signals do not reach it.
    const [, session] = /^\d+ \(.*\) \S+ \d+ \d+ (\d+) /.exec(readIfThere(`/proc/${daemon.pid}/stat`) ?? '') ?? []
    assert.equal(Number(session), daemon.pid)
  })

  test('ends as any other, and its pid file goes', async () => {
    using directory = scratch()
    const pid = directory.path('pid')
    const args = ['gearmand', '-d', '-p', '0', '-L', '127.0.0.1', '-l', directory.path('log'), '-P', pid]
    await using daemon = await startDaemon(args, pid)
    process.kill(daemon.pid, 'SIGTERM')
    await until('the daemon has ended', () => !isAlive(daemon.pid) || undefined)
    assert.equal(readIfThere(pid), undefined)
  })

  test('says why the daemon did not start', async () => {
    using directory = scratch()
    await using other = await startCommand(quick(directory.path))
    const [log, pid] = [directory.path('log'), directory.path('second')]
    const listen = ['-p', String(other.port), '-L', '127.0.0.1']
    const { code, stderr } = await geartrain(['gearmand', '-d', ...listen, '-l', log, '-P', pid])
    const sentence = `port ${other.port} on 127.0.0.1 is in use: stop the program that has it, or choose another port with --port`
    assert.deepEqual({ code, stderr }, { code: 1, stderr: `geartrain gearmand: ${sentence}\n` })
    assert.equal(readIfThere(pid), undefined)
  })

  test('is refused in the foreground, before there is a daemon', async () => {
    using directory = scratch()
    const { code, stderr } = await geartrain(['gearmand', '-d', '-q', 'redis', '-P', directory.path('pid')])
    assert.match(stderr, /^geartrain gearmand: queue type redis is not built in this version/)
    assert.equal(code, 1)
  })
})

async function startDaemon(args: readonly string[], pidFile: string) {
  const started = await geartrain(args)
  const pid = Number(readIfThere(pidFile))
  return {
    started,
    pid,
    async [Symbol.asyncDispose]() {
      if (pid === 0 || Number.isNaN(pid)) return
      if (isAlive(pid)) process.kill(pid, 'SIGKILL')
      await until('the daemon has ended', () => !isAlive(pid) || undefined)
    },
  }
}
