import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import net from 'node:net'
import { pipeline } from 'node:stream'
import { test } from 'node:test'
import tls from 'node:tls'
import { Client, type JobEvent, JobFailure, Worker } from '@geartrain/client'
import { startServer } from '../support/peers.ts'
import { geartrain, readIfThere, scratch, until } from './command.ts'
import { type Outcome, type Pair, withPair } from './gearman-pair.ts'

/** The flags that say where the server is. */
const at = ['-h', '127.0.0.1', '-p', 'PORT']

type Row = {
  readonly args: readonly string[]
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
  readonly code?: number
  readonly stdout: string
  /** All of stderr, where it is the C tool's too. */
  readonly stderr?: string
  /** Several functions: which is first is the server's choice. */
  readonly isUnordered?: true
  /** What is wrong with the C tool: it does something else here. `hangs` says that it is not asked. */
  readonly defect?: string
}

const rows: readonly Row[] = [
  { args: [...at, '-f', 'say', 'one'], stdout: 'say one\n', stderr: '' },
  { args: [...at, '-f', 'say', 'one', 'two words', '3'], stdout: 'say one\nsay two words\nsay 3\n' },
  { args: [...at, 'one', '-fsay', 'two'], stdout: 'say one\nsay two\n' },
  { args: [...at, '-f', 'say', '--', '-v', '--', '-'], stdout: 'say -v\nsay --\nsay -\n' },
  { args: [...at, '-f', 'say', '-'], stdout: 'say -\n' },
  { args: [...at, '-f', 'say', 'grüße'], stdout: Buffer.from('say grüße\n').toString('latin1') },
  { args: [...at, '-f', 'say'], input: 'a\0b\nc', stdout: 'say a\0b\nc\n' },
  { args: [...at, '-f', 'say'], stdout: 'say \n' },
  { args: [...at, '-n', '-f', 'size'], input: 'a\n\nbcd\n', stdout: '2\n1\n4\n' },
  { args: [...at, '-n', '-f', 'size'], input: 'a\nb', stdout: '2\n1\n' },
  { args: [...at, '-n', '-f', 'size'], stdout: '' },
  { args: [...at, '-N', '-f', 'size'], input: 'a\nbcd\n', stdout: '1\n3\n' },
  { args: [...at, '-nf', 'size', 'operand'], input: 'a\nb\n', stdout: '7\n' },
  { args: [...at, '-s', '-f', 'size'], input: 'not read', stdout: '0\n' },
  { args: [...at, '-s', '-f', 'size', 'abc'], stdout: '3\n' },
  { args: [...at, '-P', '-f', 'say', 'x'], stdout: 'say: say x\n' },
  { args: [...at, '-v', '-f', 'say', 'x', 'y'], stdout: 'say x\nsay y\nTask created: HANDLE\nTask created: HANDLE\n' },
  { args: [...at, '-Pvf', 'say', 'x'], stdout: 'Task created: HANDLE\nsay: say x\n' },
  { args: [...at, '-b', '-f', 'nobody', 'x'], stdout: '' },
  { args: [...at, '-bv', '-f', 'nobody', 'x', 'y'], stdout: 'Task created: HANDLE\nTask created: HANDLE\n' },
  { args: [...at, '-bvn', '-f', 'nobody'], input: 'x\ny\n', stdout: 'Task created: HANDLE\nTask created: HANDLE\n' },
  { args: [...at, '-bvI', '-f', 'nobody', 'x'], stdout: 'Task created: HANDLE\n' },
  { args: [...at, '-L', '-f', 'say', 'x'], stdout: 'say x\n' },
  {
    args: [...at, '-P', '-f', 'say', '-f', 'size', 'x', 'yz'],
    stdout: 'say: say x\nsay: say yz\nsize: 1\nsize: 2\n',
    isUnordered: true,
  },
  { args: [...at, '-f', 'unique', '-u', 'mine', 'x'], stdout: 'mine\n' },
  { args: [...at, '-f', 'unique', '-u', '-', 'x'], stdout: '-\n' },
  { args: [...at, '-f', 'unique', 'x'], stdout: 'UUID\n' },
  { args: [...at, '-f', 'unique', '-u', '', 'x'], stdout: 'UUID\n' },
  // Each length of the last block.
  ...Object.entries({
    '': 0,
    a: 2289228744,
    ab: 2181799184,
    abc: 634628250,
    abcd: 180520834,
    hello: 1067880409,
    'a longer one': 3584784281,
  }).map(([input, hash]): Row => ({ args: [...at, '-f', 'unique', '-u', '#'], input, stdout: `${hash}\n` })),
  {
    args: [...at, '-f', 'steps', 'x'],
    stdout: 'one\ntwo\nthree\n33% Complete\n100% Complete\n',
    stderr: 'careful\n',
  },
  {
    args: [...at, '-P', '-f', 'steps', 'x'],
    stdout: 'steps: one\nsteps: 33% Complete\nsteps: 100% Complete\nsteps: two\nsteps: three\n',
    stderr: 'steps: careful\n',
  },
  { args: [...at, '-f', 'fail', 'x'], code: 1, stdout: 'part\n', stderr: 'Job failed\n' },
  { args: [...at, '-P', '-f', 'fail', 'x'], code: 1, stdout: 'fail: part\n', stderr: 'fail: Job failed\n' },
  { args: [...at, '-f', 'large', '-s'], stdout: 'x'.repeat(1_000_000) },
  { args: [...at, '-t', '10000', '-f', 'say', 'x'], stdout: 'say x\n' },
  { args: [...at, '-t', '-1', '-f', 'say', 'x'], stdout: 'say x\n' },
  { args: ['-f', 'say', 'x'], env: { GEARMAN_SERVER: '127.0.0.1:PORT' }, stdout: 'say x\n' },
  { args: ['-f', 'say', 'x'], env: { GEARMAN_SERVERS: '127.0.0.1:PORT' }, stdout: 'say x\n' },
  { args: ['-p', '1', '-f', 'say', 'x'], env: { GEARMAN_SERVER: '127.0.0.1:PORT' }, stdout: 'say x\n' },
  { args: ['-p', '1', '-f', 'say', 'x'], env: { GEARMAN_SERVERS: '127.0.0.1:PORT' }, stdout: 'say x\n' },
  { args: ['-h', 'localhost', '-p', 'PORT', '-f', 'say', 'x'], stdout: 'say x\n' },

  { args: at, code: 1, stdout: '' },
  { args: [...at, '-f', 'say', '-Z', 'x'], code: 1, stdout: '' },
  { args: [...at, '--function', 'say', 'x'], code: 1, stdout: '' },
  { args: [...at, 'x', '-f'], code: 1, stdout: '' },
  { args: [...at, '-i', '/nowhere/pid', '-f', 'say', 'x'], code: 1, stdout: '' },
  { args: ['-w', '-h', 'no-such-host.invalid', '-f', 'say'], code: 1, stdout: '' },

  {
    args: ['-h', '127.0.0.1', '-p', '1', '-f', 'say', 'x'],
    code: 1,
    stdout: '',
    defect: 'exit code 0',
  },
  { args: ['-h', 'no-such-host.invalid', '-f', 'say', 'x'], code: 1, stdout: '', defect: 'exit code 0' },
  { args: ['-f', 'say', 'x'], env: { GEARMAN_SERVER: 'a:b:c' }, code: 1, stdout: '', defect: 'exit code 0' },
  {
    args: ['-f', 'say', 'x'],
    env: { GEARMAN_SERVER: '127.0.0.1:1,127.0.0.1:PORT' },
    stdout: 'say x\n',
    defect: 'gives up at the first server',
  },
  { args: [...at, '-t', '300', '-f', 'absent', 'x'], code: 1, stdout: '', defect: 'exit code 0' },
  { args: [...at, '-bv', '-f', 'nobody', ''], stdout: 'Task created: HANDLE\n', defect: 'refuses it' },
  { args: [...at, '-f', 'nobody', '-f', '', '-b', 'x'], code: 1, stdout: '', defect: 'exit code 0' },
  { args: [...at, '-bu', 'u'.repeat(65), '-f', 'nobody', 'x'], code: 1, stdout: '', defect: 'exit code 0' },
  { args: [...at, '-b', '-f', 'f'.repeat(513), 'x'], code: 1, stdout: '', defect: 'exit code 0' },
  { args: [...at, '-N', '-f', 'size'], input: 'a\n\nbcd\n', stdout: '1\n0\n3\n', defect: 'drops empty lines' },
  { args: [...at, '-N', '-f', 'size'], input: 'a\nbcd', stdout: '1\n3\n', defect: 'takes a letter of the last line' },
  { args: [...at, '-n', '-f', 'size'], input: 'a\0b\n', stdout: '4\n', defect: 'ends a line at NUL' },
  { args: [...at, '-n', '-f', 'size'], input: `${'x'.repeat(9000)}\n`, stdout: '9001\n', defect: 'cuts at 8191' },
  { args: [...at, '-f', 'nothing', 'x'], stdout: '0% Complete\n', defect: 'divides by zero' },
  {
    args: [...at, '-f', 'throw', 'x'],
    code: 1,
    stdout: 'part\n',
    stderr: 'no such thing\nJob failed\n',
    defect: 'hangs',
  },
  { args: [...at, '-p', 'x', '-f', 'say', 'x'], code: 1, stdout: '', defect: 'takes 4730' },
  { args: [...at, '-bt', 'x', '-f', 'nobody', 'x'], code: 1, stdout: '', defect: 'takes 0' },
]

async function startWorker(pair: Pair): Promise<AsyncDisposable> {
  const worker = new Worker(`127.0.0.1:${pair.server.port}`, { onError() {} })
  worker
    .handle('say', (job) => Buffer.concat([Buffer.from('say '), job.workload, Buffer.from('\n')]))
    .handle('size', (job) => `${job.workload.length}\n`)
    .handle('unique', (job) => `${job.unique}\n`)
    .handle('large', () => 'x'.repeat(1_000_000))
    .handle('nothing', (job) => job.progress(1, 0))
    .handle('steps', async (job) => {
      await job.data('one\n')
      job.progress(1, 3)
      await job.warn('careful\n')
      job.progress(3, 3)
      await job.data('two\n')
      return 'three\n'
    })
    .handle('fail', async (job) => {
      await job.data('part\n')
      throw new JobFailure()
    })
    .handle('throw', async (job) => {
      await job.data('part\n')
      throw new Error('no such thing')
    })
  await worker.start()
  return worker
}

function sorted(text: string): string {
  return text
    .split(/(?<=\n)/)
    .sort()
    .join('')
}

withPair(
  'gearman',
  (test, skipC) => {
    for (const row of rows) {
      const { args, input = '', env = {}, code = 0, stdout, stderr, isUnordered, defect } = row
      const variables = Object.entries(env).map((each) => each.join('='))
      const shown = args.map((arg) => (arg.length > 40 ? `${arg.slice(0, 5)}...` : arg))
      const stdin = input === '' ? '' : ` < ${JSON.stringify(input.slice(0, 20))}`
      test(`${[...variables, 'gearman', ...shown].join(' ')}${stdin}${defect === undefined ? '' : ` (C: ${defect})`}`, async (pair) => {
        const expected = { code, stdout, ...(stderr === undefined ? {} : { stderr }) }
        const seen = (outcome: Outcome) => ({
          code: outcome.code,
          stdout: isUnordered === true ? sorted(outcome.stdout) : outcome.stdout,
          ...(stderr === undefined ? {} : { stderr: outcome.stderr }),
        })
        const ours = await pair.run('ours', args, { input, env })
        assert.deepEqual(seen(ours), expected, `ours; its stderr: ${ours.stderr}`)
        if (code !== 0) assert.notEqual(ours.stderr, '', 'it says why')
        if (skipC !== undefined || defect === 'hangs') return
        const c = seen(await pair.run('c', args, { input, env }))
        if (defect === undefined) assert.deepEqual(c, expected, 'the C tool')
        else assert.notDeepEqual(c, expected, 'the C tool does it as well: it is no difference')
      })
    }

    type WorkRow = {
      /** After -w, the server and the function. */
      readonly args: readonly string[]
      readonly workload?: string
      /** What the client gets: data and result, or the failure, one after the other. */
      readonly events: readonly string[]
      readonly stdout?: string
      readonly defect?: string
    }
    const megabyte = 'x'.repeat(1_000_000)
    const workRows: readonly WorkRow[] = [
      { args: [], workload: 'payload', events: ['complete '], stdout: 'payload' },
      { args: ['--', 'tr', 'a-z', 'A-Z'], workload: 'payload', events: ['complete PAYLOAD'] },
      { args: ['cat'], workload: '', events: ['complete '] },
      { args: ['--', 'printf', '%s', '-c', 'x'], events: ['complete -cx'] },
      { args: ['--', 'sh', '-c', 'echo half; exit 3'], events: ['data half\n', 'fail'] },
      { args: ['false'], events: ['fail'] },
      { args: ['--', 'sh', '-c', 'exec 0<&-; echo unread'], workload: 'ab', events: ['complete unread\n'] },
      { args: ['-n', '--', 'echo', 'one'], events: ['data one\n', 'complete '] },
      { args: ['-N', '--', 'echo', 'one'], events: ['data one', 'complete '] },
      { args: ['-n', 'true'], events: ['complete '] },
      {
        args: ['-n', '--', 'printf', 'a\\nb\\nc'],
        events: ['data a\n', 'data b\n', 'data c', 'complete '],
        defect: 'sends all lines again with each',
      },
      {
        args: ['-N', '--', 'printf', 'a\\nbc'],
        events: ['data a', 'data bc', 'complete '],
        defect: 'sends all lines again, and takes a letter of the last',
      },
      { args: ['--', 'sh', '-c', 'kill -9 $$'], events: ['fail'], defect: 'takes a killed command for success' },
      { args: ['cat'], workload: megabyte, events: [`complete ${megabyte}`], defect: 'hangs' },
      { args: ['/nowhere/command'], events: ['fail'], defect: 'hangs' },
    ]
    for (const [number, { args, workload = '', events, stdout = '', defect }] of workRows.entries()) {
      const name = `-w ${args.join(' ')}, ${workload.length} bytes${defect === undefined ? '' : ` (C: ${defect})`}`
      test(name, async (pair) => {
        const work = async (which: 'c' | 'ours') => {
          const jobFunction = `work-${number}-${which}`
          await using client = await Client.connect(`127.0.0.1:${pair.server.port}`)
          const job = client.submit(jobFunction, workload)
          await job.created()
          const worker = pair.run(which, ['-w', ...at, '-c', '1', '-f', jobFunction, ...args])
          const seen: string[] = []
          for await (const event of job) if (event.type !== 'created') seen.push(shownEvent(event))
          const { code, stdout } = await worker
          return { events: seen, code, stdout }
        }
        const expected = { events, code: 0, stdout }
        assert.deepEqual(await work('ours'), expected)
        if (skipC !== undefined || defect === 'hangs') return
        if (defect === undefined) assert.deepEqual(await work('c'), expected, 'the C tool')
        else assert.notDeepEqual(await work('c'), expected, 'the C tool does it as well: it is no difference')
      })
    }

    test('-w -c 2 with several functions: the first one first', async (pair) => {
      await using client = await Client.connect(`127.0.0.1:${pair.server.port}`)
      for (const which of skipC === undefined ? (['ours', 'c'] as const) : (['ours'] as const)) {
        const jobs = ['second', 'first'].map((name) => client.submit(`${name}-${which}`, `${name} `))
        await Promise.all(jobs.map((job) => job.created()))
        const flags = ['-w', ...at, '-c', '2', '-f', `first-${which}`, '-f', `second-${which}`]
        const { code, stdout } = await pair.run(which, flags)
        assert.deepEqual([code, stdout], [0, 'first second '], which)
        await Promise.all(jobs.map((job) => job.result()))
      }
    })

    test('-w -c 2 -t 100: waits in vain count', async (pair) => {
      for (const which of skipC === undefined ? (['ours', 'c'] as const) : (['ours'] as const)) {
        const { code, stdout, stderr } = await pair.run(which, ['-w', ...at, '-f', 'idle', '-c', '2', '-t', '100'])
        assert.deepEqual([code, stdout, stderr.trimEnd().split('\n').length], [0, '', 2], which)
      }
    })

    test('-c counts each job once, failed ones too (C: those twice)', async (pair) => {
      await using client = await Client.connect(`127.0.0.1:${pair.server.port}`)
      const jobs = ['1', '2'].map((workload) => client.submit('count-fails', workload))
      await Promise.all(jobs.map((job) => job.created()))
      const worker = pair.run('ours', ['-w', ...at, '-c', '2', '-f', 'count-fails', 'false'])
      for (const job of jobs) await assert.rejects(job.result(), { code: 'JOB_FAILED' })
      assert.equal((await worker).code, 0)
    })

    test('-w waits for a server, and says so (C: asks without pause)', async (pair) => {
      const worker = pair.theatre.start(pair.argv('ours', ['-w', '-h', '127.0.0.1', '-p', '1', '-f', 'x', '-c', '1']))
      await until('it says that it tries again', () => /tries again/.exec(worker.stderr) ?? undefined)
      await worker.kill()
      const idle = await pair.run('ours', ['-w', '-h', '127.0.0.1', '-p', '1', '-f', 'x', '-c', '1', '-t', '10'])
      assert.equal(idle.code, 1)
    })

    test('-i is there while it runs; -d goes on without the terminal', async (pair) => {
      for (const which of skipC === undefined ? (['ours', 'c'] as const) : (['ours'] as const)) {
        using directory = scratch()
        const pidFile = directory.path('pid')
        const jobFunction = `daemon-${which}`
        const flags = ['-d', '-w', ...at, '-i', pidFile, '-c', '1', '-f', jobFunction, 'cat']
        assert.deepEqual(await pair.run(which, flags), { code: 0, stdout: '', stderr: '' }, which)
        const pid = await until('there is a pid file', () => readIfThere(pidFile))
        assert.match(pid, /^\d+\n$/)
        await using client = await Client.connect(`127.0.0.1:${pair.server.port}`)
        assert.equal(await client.submit(jobFunction, 'by a daemon').text(), 'by a daemon')
        await until('the pid file is gone', () => readIfThere(pidFile) === undefined || undefined)
      }
    })

    test('arguments that are no UTF-8 arrive as they are', async (pair) => {
      const shell = `exec "$@" "$(printf 'gr\\374\\337e\\377')"`
      for (const which of skipC === undefined ? (['ours', 'c'] as const) : (['ours'] as const)) {
        const argv = pair.argv(which, [...at, '-f', 'say'])
        const { code, stdout } = await pair.theatre.run(['sh', '-c', shell, 'sh', ...argv])
        assert.deepEqual([code, stdout], [0, 'say gr\xfc\xdfe\xff\n'], which)
      }
    })

    test('-H prints the flags', async (pair) => {
      const { code, stdout, stderr } = await pair.run('ours', ['-H'])
      assert.deepEqual([code, stderr], [0, ''])
      for (const flag of 'fhpStidHbInNLPsuvwc') assert.match(stdout, new RegExp(`^  -${flag} `, 'm'))
    })
  },
  startWorker,
  2,
)

test('-S: TLS, with the files that the environment names', async (t) => {
  using directory = scratch()
  const [certificate, key] = [directory.path('certificate.pem'), directory.path('key.pem')]
  try {
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
    const files = ['-keyout', key, '-out', certificate]
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...files, ...subject], {
      stdio: 'ignore',
    })
  } catch {
    return t.skip('there is no certificate without openssl: apt-get install openssl')
  }
  await using server = await startServer('ours')
  const front = tls.createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (socket) => {
    const behind = net.connect(server.port, '127.0.0.1')
    pipeline(socket, behind, socket, () => {})
  })
  front.listen(0, '127.0.0.1')
  await once(front, 'listening')
  const address = front.address()
  assert.ok(typeof address === 'object' && address !== null)
  const flags = ['-S', '-h', '127.0.0.1', '-p', String(address.port)]
  const env = { GEARMAND_CA_CERTIFICATE: certificate }
  try {
    const submitted = geartrain(['gearman', ...flags, '-f', 'encrypted', 'secret'], { env })
    const worked = await geartrain(['gearman', '-w', ...flags, '-c', '1', '-f', 'encrypted', 'rev'], {
      env: { ...env, PATH: process.env['PATH'] ?? '' },
    })
    assert.deepEqual([worked.code, worked.stderr], [0, ''])
    assert.deepEqual(await submitted, { code: 0, signal: null, stdout: 'terces', stderr: '' })
    const asked = await geartrain(['gearadmin', ...flags, '--getpid'], { env })
    assert.deepEqual(asked, { code: 0, signal: null, stdout: `${server.pid}\n`, stderr: '' })
    // Whom nobody vouches for is not talked to.
    for (const args of [
      ['gearman', ...flags, '-b', '-f', 'encrypted', 'x'],
      ['gearadmin', ...flags, '--getpid'],
    ]) {
      const { code, stdout, stderr } = await geartrain(args)
      assert.deepEqual([code, stdout], [1, ''])
      assert.match(stderr, /self-signed certificate/)
    }
  } finally {
    front.close()
  }
})

function shownEvent(event: JobEvent): string {
  return 'data' in event ? `${event.type} ${Buffer.from(event.data).toString()}` : event.type
}
