import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { type JobEvent, JobExceptionError } from '@geartrain/client'
import { onServers, type SiteTest, text } from '../client/site.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { Command, geartrain, isAlive, readIfThere, scratch, until } from './command.ts'

// The real command, its jobs sent by the library.

const env = { PATH: process.env['PATH'] ?? '' }

type Site = Parameters<SiteTest>[0]

/** Starts `geartrain work FUNCTION ...args` on the site's server and waits until it takes jobs. */
async function startWork(
  site: Site,
  args: readonly string[],
  environment: Record<string, string> = {},
  address: string = site.address,
): Promise<Command> {
  const [name = '', ...rest] = args
  const command = new Command(['work', name, '-s', address, ...rest], { env: { ...env, ...environment } })
  site.keep(command)
  await command.line(/ready on |"event":"ready"/)
  return command
}

async function failure(result: Promise<unknown>): Promise<string> {
  try {
    await result
  } catch (error) {
    assert.ok(error instanceof JobExceptionError, String(error))
    return error.message
  }
  throw new assert.AssertionError({ message: 'the job did not fail' })
}

onServers('geartrain work with a command', (it) => {
  it('gives it the workload and takes what it writes', async (site) => {
    const name = site.functionName()
    const work = await startWork(site, [name, '--', 'tr', 'a-z', 'A-Z'])
    assert.equal(work.stderr, `ready on ${site.address}: ${name} (1 job at once)\n`)
    const client = await site.client()
    assert.equal(await client.submit(name, 'größe\n').text(), 'GRößE\n')
    assert.equal(await client.submit(name, '').text(), '')
  })

  it('tells it of which job it is', async (site) => {
    const name = site.functionName()
    await startWork(
      site,
      [name, '--', 'sh', '-c', 'echo "$GEARTRAIN_HANDLE $GEARTRAIN_FUNCTION $GEARTRAIN_UNIQUE $OWN"'],
      {
        OWN: 'x',
      },
    )
    const client = await site.client()
    const job = client.submit(name, '', { unique: 'mail-17' })
    assert.equal(await job.text(), `${await job.created()} ${name} mail-17 x\n`)
  })

  it('does not mind that it reads nothing', async (site) => {
    const name = site.functionName()
    await startWork(site, [name, '--', 'echo', 'done'])
    const client = await site.client()
    const workload = new Uint8Array(1024 * 1024)
    for (let i = 0; i < 5; i++) assert.equal(await client.submit(name, workload).text(), 'done\n')
  })

  it('fails the job by its exit code, and the client gets the end of its stderr', async (site) => {
    const name = site.functionName()
    const work = await startWork(site, [name, '--', 'sh', '-c', 'seq 1 30 >&2; exit 3'])
    const client = await site.client()
    const job = client.submit(name, '')
    const handle = await job.created()
    const lastLines = Array.from({ length: 20 }, (_, i) => i + 11).join('\n')
    assert.equal(await failure(job.result()), `sh ended with exit code 3\n${lastLines}`)
    await work.line(/ failed: /)
    const [, ...lines] = work.stderr.split('\n')
    assert.deepEqual(lines.slice(0, 2), [`${handle} | 1`, `${handle} | 2`])
    assert.deepEqual(lines.slice(29), [`${handle} | 30`, `${handle} of ${name} failed: sh ended with exit code 3`, ''])
  })

  it('fails the job that a signal has ended', async (site) => {
    const name = site.functionName()
    await startWork(site, [name, '--', 'sh', '-c', 'kill -SEGV $$'])
    const client = await site.client()
    assert.equal(await failure(client.submit(name, '').result()), 'sh was killed by SIGSEGV')
  })

  it('sends what it writes as it comes, with --data', async (site) => {
    using directory = scratch()
    const name = site.functionName()
    const go = directory.path('go')
    // It writes the second part when the client has seen the first.
    const script = `printf one; while [ ! -e ${go} ]; do sleep 0.01; done; printf two`
    await startWork(site, [name, '--data', '--', 'sh', '-c', script])
    const client = await site.client()
    const events: JobEvent[] = []
    for await (const event of client.submit(name, '')) {
      events.push(event)
      if (event.type === 'data') writeFileSync(go, '')
    }
    const parts = events.map((event) => (event.type === 'data' || event.type === 'complete' ? text(event.data) : ''))
    assert.deepEqual(parts, ['', 'one', 'two', ''])
  })

  it('sends more than fits in a packet, with --data', async (site) => {
    const name = site.functionName()
    await startWork(site, [name, '--data', '--', 'head', '-c', '100000000', '/dev/zero'])
    const client = await site.client()
    let bytes = 0
    for await (const event of client.submit(name, '')) if (event.type === 'data') bytes += event.data.length
    assert.equal(bytes, 100_000_000)
  })

  it('fails a job with too much for a packet, without it', async (site) => {
    const name = site.functionName()
    await startWork(site, [name, '--', 'head', '-c', '100000000', '/dev/zero'])
    const client = await site.client()
    assert.equal(
      await failure(client.submit(name, '').result()),
      'the result is larger than 64 MiB: send it in parts, with --data',
    )
  })

  it('runs so many at once', async (site) => {
    using directory = scratch()
    const name = site.functionName()
    // Each ends when the other is there.
    const script = `read me; touch ${directory.path('.')}/$me; while [ ! -e ${directory.path('a')} ] || [ ! -e ${directory.path('b')} ]; do sleep 0.01; done`
    const work = await startWork(site, [name, '-c', '2', '--', 'sh', '-c', script])
    assert.match(work.stderr, /\(2 jobs at once\)/)
    const client = await site.client()
    await Promise.all(['a\n', 'b\n'].map((workload) => client.submit(name, workload).result()))
  })

  it('ends after so many jobs', async (site) => {
    const name = site.functionName()
    const work = await startWork(site, [name, '-n', '2', '--', 'cat'])
    const client = await site.client()
    const handles = await Promise.all(['1', '2', '3'].map((workload) => client.submit(name, workload).created()))
    const { code } = await work.ended()
    assert.equal(code, 0)
    const states = await Promise.all(handles.map((handle) => client.status(handle)))
    assert.deepEqual(
      states.map(({ isKnown }) => isKnown),
      [false, false, true],
    )
  })

  it('ends what takes too long, with all that it has started', async (site) => {
    using directory = scratch()
    const name = site.functionName()
    const [pids, second] = [directory.path('pids'), directory.path('second')]
    // The first time it hangs, with a child, and does not listen to SIGTERM.
    const script = `if [ -e ${second} ]; then echo again; exit; fi; touch ${second}; trap '' TERM; sleep 100 & echo $! $$ > ${pids}; wait; wait`
    const work = await startWork(site, [name, '--timeout', '1', '--', 'sh', '-c', script])
    const client = await site.client()
    const job = client.submit(name, '')
    await job.created()
    await work.line(/ failed: .*took longer than 1000 ms/)
    const [child, shell] = readFileSync(pids, 'utf8').split(' ').map(Number)
    assert.ok(child !== undefined && shell !== undefined)
    // SIGTERM for the child, and SIGKILL for the shell.
    await until('the child is gone', () => !isAlive(child) || undefined)
    await until('the shell is gone', () => !isAlive(shell) || undefined)
    assert.equal(await job.text(), 'again\n')
  })

  it('ends what was cancelled, with all that it has started', async (site) => {
    // gearmand tells no worker of it.
    if (site.kind === 'gearmand') return
    using directory = scratch()
    const name = site.functionName()
    const pids = directory.path('pids')
    // It hangs, with a child, and does not listen to SIGTERM.
    const script = `if read line; then echo next; exit; fi; trap '' TERM; sleep 100 & echo $! $$ > ${pids}; wait; wait`
    const work = await startWork(site, [name, '--', 'sh', '-c', script])
    const client = await site.client()
    const job = client.submit(name, '')
    const handle = await job.created()
    const [child, shell] = (await until('it runs', () => readIfThere(pids))).split(' ').map(Number)
    assert.ok(child !== undefined && shell !== undefined)
    assert.ok(await (await site.admin()).cancel(handle))
    await work.line(/ was cancelled$/)
    await assert.rejects(job.result(), { code: 'JOB_FAILED' })
    // SIGTERM for the child, and SIGKILL for the shell.
    await until('the child is gone', () => !isAlive(child) || undefined)
    await until('the shell is gone', () => !isAlive(shell) || undefined)
    assert.equal(await client.submit(name, 'line\n').text(), 'next\n')
    work.kill('SIGTERM')
    const { stderr } = await work.ended()
    assert.deepEqual(stderr.split('\n').slice(1), [`${handle} of ${name} was cancelled`, 'SIGTERM: no more jobs', ''])
  })

  it('finishes what runs when it is told to end', async (site) => {
    using directory = scratch()
    const name = site.functionName()
    const [started, go] = [directory.path('started'), directory.path('go')]
    const work = await startWork(site, [
      name,
      '--',
      'sh',
      '-c',
      `touch ${started}; while [ ! -e ${go} ]; do sleep 0.01; done; echo end`,
    ])
    const client = await site.client()
    const job = client.submit(name, '')
    await until('it runs', () => existsSync(started) || undefined)
    work.kill('SIGTERM')
    await work.line(/^SIGTERM: no more jobs; 1 job to be finished, a second signal kills it$/)
    const later = client.submit(name, '')
    writeFileSync(go, '')
    assert.equal(await job.text(), 'end\n')
    const { code } = await work.ended()
    assert.equal(code, 0)
    assert.deepEqual((await client.status(await later.created())).isRunning, false)
  })

  it('ends at once when it is told so twice', async (site) => {
    using directory = scratch()
    const name = site.functionName()
    const pid = directory.path('pid')
    const work = await startWork(site, [name, '--', 'sh', '-c', `echo $$ > ${pid}; sleep 100; true`])
    const client = await site.client()
    const job = client.submit(name, '')
    await job.created()
    const shell = Number(await until('it runs', () => readIfThere(pid)))
    work.kill('SIGINT')
    await work.line(/^SIGINT: no more jobs/)
    work.kill('SIGINT')
    const { code } = await work.ended()
    assert.equal(code, 130)
    await until('the command is gone', () => !isAlive(shell) || undefined)
    // The server has it again.
    await startWork(site, [name, '--', 'echo', 'by another'])
    assert.equal(await job.text(), 'by another\n')
  })

  it('says that its server is lost and back, and ends what ran for it', async (site) => {
    using directory = scratch()
    const name = site.functionName()
    const pid = directory.path('pid')
    const script = `if [ -e ${pid} ]; then echo again; exit; fi; echo $$ > ${pid}; exec sleep 100`
    await using proxy = await TcpProxy.to(site.server.port)
    const work = await startWork(site, [name, '--', 'sh', '-c', script], {}, proxy.address)
    const client = await site.client()
    const job = client.submit(name, '')
    const sleep = Number(await until('it runs', () => readIfThere(pid)))
    proxy.reset()
    assert.equal(await job.text(), 'again\n')
    await until('the command is gone', () => !isAlive(sleep) || undefined)
    work.kill('SIGTERM')
    const { stderr, code } = await work.ended()
    assert.deepEqual(stderr.split('\n'), [
      `ready on ${proxy.address}: ${name} (1 job at once)`,
      `${proxy.address} has closed the connection; trying again until it answers`,
      `connected to ${proxy.address}`,
      'SIGTERM: no more jobs',
      '',
    ])
    assert.equal(code, 0)
  })

  it('says what it does in lines of JSON', async (site) => {
    const name = site.functionName()
    const work = await startWork(site, [name, '--json', '--', 'sh', '-c', 'echo oops >&2; exit 1'])
    const client = await site.client()
    const job = client.submit(name, '')
    const handle = await job.created()
    await failure(job.result())
    work.kill('SIGTERM')
    const { stderr } = await work.ended()
    const lines = stderr
      .trimEnd()
      .split('\n')
      .map((line): Record<string, unknown> => JSON.parse(line))
    for (const line of lines) {
      assert.equal(new Date(String(line['time'])).toISOString(), line['time'])
      delete line['time']
    }
    assert.deepEqual(lines, [
      { event: 'ready', servers: [site.address], functions: [name], concurrency: 1 },
      { event: 'output', handle, function: name, line: 'oops' },
      { event: 'failed', handle, function: name, message: 'sh ended with exit code 1\noops' },
      { event: 'stopping', reason: 'SIGTERM', running: 0 },
    ])
  })

  it('says only what goes wrong with --quiet', async (site) => {
    const name = site.functionName()
    const script = 'read end; echo said >&2; exit $end'
    const work = site.keep(new Command(['work', name, '-q', '-s', site.address, '--', 'sh', '-c', script], { env }))
    const client = await site.client()
    await client.submit(name, '0\n').result()
    const job = client.submit(name, '1\n')
    const handle = await job.created()
    await failure(job.result())
    work.kill('SIGTERM')
    const { stderr, code } = await work.ended()
    assert.equal(stderr, `${handle} of ${name} failed: sh ended with exit code 1\nsaid\n`)
    assert.equal(code, 0)
  })
})

onServers('geartrain work with a module', (it) => {
  it('does the functions that it exports', async (site) => {
    using directory = scratch()
    const [reverse, length, late] = [1, 2, 3].map(() => site.functionName().replace('-', '_'))
    const file = directory.path('handlers.mjs')
    writeFileSync(
      file,
      `export const limit = 3
       export async function ${reverse}(job) { return job.text().split('').reverse().join('') }
       export const ${length} = { handler: (job) => String(job.workload.length), concurrency: 1 }
       export const ${late} = { handler: (job) => new Promise((_, reject) => job.signal.addEventListener('abort', () => reject(job.signal.reason))), timeoutMs: 1000 }`,
    )
    const work = await startWork(site, [file, '-c', '3'])
    assert.equal(work.stderr, `ready on ${site.address}: ${[reverse, length, late].join(', ')} (3 jobs at once)\n`)
    const client = await site.client()
    assert.equal(await client.submit(reverse ?? '', 'abc').text(), 'cba')
    assert.equal(await client.submit(length ?? '', 'abc').text(), '3')
    await client.submitBackground(late ?? '', '')
    await work.line(/ failed: .*took longer than 1000 ms/)
  })

  it('does those of its default export, and says where one has failed', async (site) => {
    using directory = scratch()
    const [good, bad] = [site.functionName(), site.functionName()]
    const file = directory.path('handlers.cjs')
    writeFileSync(
      file,
      `module.exports = {
         '${good}': (job) => job.text(),
         '${bad}': () => { throw new TypeError('no colour profile') },
       }`,
    )
    const work = await startWork(site, [file])
    const client = await site.client()
    assert.equal(await client.submit(good, 'x').text(), 'x')
    const job = client.submit(bad, '')
    const handle = await job.created()
    assert.equal(await failure(job.result()), 'no colour profile')
    work.kill('SIGTERM')
    const { stderr } = await work.ended()
    const lines = stderr.split('\n')
    assert.equal(lines[1], `${handle} of ${bad} failed: TypeError: no colour profile`)
    assert.match(lines[2] ?? '', /handlers\.cjs:3:/)
    assert.equal(lines[3], 'SIGTERM: no more jobs')
  })
})

type Row = {
  readonly name: string
  readonly args: readonly string[]
  /** The module's text, which is `FILE` in `args`. */
  readonly module?: readonly [suffix: string, text: string]
  readonly code?: number
  readonly sentence: RegExp
}

const refused: readonly Row[] = [
  { name: 'nothing at all', args: [], sentence: /missing required argument/ },
  {
    name: 'a function without a command',
    args: ['resize'],
    sentence:
      /^there is no file resize; for jobs of the function resize give a command to do them: geartrain work resize -- COMMAND$/,
  },
  {
    name: 'a command that is not there',
    args: ['resize', '--', 'no-such-command', '-x'],
    sentence: /^there is no command no-such-command: check its name, and PATH$/,
  },
  {
    name: 'a directory as a command',
    args: ['resize', '--', '/etc'],
    sentence: /^there is no command \/etc: check that it is there and executable$/,
  },
  {
    name: 'a module with a command',
    args: ['h.js', '--', 'cat'],
    sentence: /^h\.js is the name of a module, which goes without a command: /,
  },
  {
    name: '--data with a module',
    args: ['FILE', '--data'],
    module: ['.mjs', ''],
    sentence: /^--data goes with a command/,
  },
  {
    name: 'a module without handlers',
    args: ['FILE'],
    module: ['.mjs', 'export const a = 1'],
    sentence: / exports no handlers: write /,
  },
  {
    name: 'a default export that is a function',
    args: ['FILE'],
    module: ['.mjs', 'export default () => {}'],
    sentence: /^the default export of .* is one function, and its name is not known: write /,
  },
  {
    name: 'an entry that is no handler',
    args: ['FILE'],
    module: ['.mjs', 'export default { resize: 3 }'],
    sentence: /: resize is no handler: it must be a function, or an object with one as handler$/,
  },
  {
    name: 'a timeout that no server knows',
    args: ['FILE'],
    module: ['.mjs', 'export const resize = { handler() {}, timeoutMs: 10 }'],
    sentence: /: resize: timeoutMs must be a whole number from 1000, not 10$/,
  },
  {
    name: 'a syntax error',
    args: ['FILE'],
    module: ['.mjs', 'const a = 1\nexport defualt {}'],
    sentence: / can't be loaded: SyntaxError: .* \(\/.*handlers\.mjs:2\)$/,
  },
  {
    name: 'a module that throws',
    args: ['FILE'],
    module: ['.mjs', '\n\nthrow new Error("no config")'],
    sentence: / can't be loaded: Error: no config \(\/.*handlers\.mjs:3:7\)$/,
  },
  {
    name: 'a module that lacks another',
    args: ['FILE'],
    module: ['.mjs', 'import "no-such-package"'],
    sentence: / can't be loaded: Error: Cannot find package 'no-such-package' imported from \/.*handlers\.mjs$/,
  },
  {
    name: 'no jobs at once',
    args: ['f', '-c', '0', '--', 'cat'],
    sentence: /It must be a whole number from 1 to 10000\.$/,
  },
  {
    name: 'a short timeout',
    args: ['f', '--timeout', '0.9', '--', 'cat'],
    sentence: /It must be a number of seconds from 1 to /,
  },
  {
    name: 'a server that is not there',
    args: ['f', '-s', '127.0.0.1:1', '--', 'cat'],
    code: 4,
    sentence: /^nothing listens on 127\.0\.0\.1:1: start a server there /,
  },
]

for (const { name, args, module, code: expected = 2, sentence } of refused) {
  test(`refused with one sentence: ${name}`, async () => {
    using directory = scratch()
    const file = directory.path(`handlers${module?.[0] ?? '.mjs'}`)
    if (module !== undefined) writeFileSync(file, module[1])
    const { code, stdout, stderr } = await geartrain(['work', ...args.map((arg) => (arg === 'FILE' ? file : arg))], {
      env,
    })
    assert.equal(stdout, '')
    assert.match(stderr, /^geartrain work: [^\n]+\n$/)
    assert.match(stderr.slice('geartrain work: '.length, -1), sentence)
    assert.equal(code, expected)
  })
}
