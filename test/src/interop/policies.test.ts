import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { Admin } from '@geartrain/client'
import { missing, type PeerName, repositoryRoot, startServer } from '../support/peers.ts'
import { type Program, php, Theatre } from './program.ts'

// Policies, dead letters, schedules and limits with clients and workers that know nothing of them.

const directory = mkdtempSync(join(tmpdir(), 'geartrain-policies-'))
after(() => rmSync(directory, { recursive: true, force: true }))

const configuration = `
[functions."*"]
keep-results = "1h"

[functions.flaky]
attempts = 3
backoff-first = "50ms"

[functions.reverse]
attempts = 3
backoff-first = "10ms"
retry-foreground = true

[functions.throws]
attempts = 3
backoff-first = "10ms"

[functions.hangs]
attempts = 2
backoff-first = "10ms"
timeout = "400ms"

[functions.slow]
attempts = 2
backoff-first = "10ms"
timeout = "400ms"

[functions.short]
max-queue = 2

[functions.single]
concurrency = 1

[schedules.every-second]
function = "every"
every = "1s"
workload = "by every"

[schedules.cron-second]
function = "cron"
cron = "* * * * * *"
workload = "by cron"
`

interface Play {
  readonly theatre: Theatre
  /** What `geartrain ...args --json` says of the server. */
  readonly geartrain: (...args: readonly string[]) => Promise<unknown>
  /** Waits until a job is complete, and gives its result. */
  readonly result: (handle: string) => Promise<string>
  /** Waits until there is a dead job. */
  readonly untilDead: () => Promise<void>
  readonly path: (name: string) => string
}

/** Every test has a server of its own with the configuration above. */
function policies(subject: string, peers: readonly PeerName[], tests: Record<string, (play: Play) => Promise<void>>) {
  describe(`policies with ${subject}`, () => {
    for (const [name, test] of Object.entries(tests)) {
      it(name, async (t) => {
        const absent = peers.map(missing).find((sentence) => sentence !== undefined)
        if (absent !== undefined) return t.skip(absent)
        const own = mkdtempSync(join(directory, 'test-'))
        const path = (file: string) => join(own, file)
        writeFileSync(path('geartrain.toml'), configuration)
        await using server = await startServer('ours', ['--config', path('geartrain.toml')])
        await using theatre = new Theatre(server)
        const command = [process.execPath, join(repositoryRoot, 'packages/cli/bin/geartrain.js')]
        const geartrain = async (...args: readonly string[]): Promise<unknown> => {
          const flags = ['-s', `127.0.0.1:${theatre.port}`, '--json']
          return JSON.parse(await theatre.output([...command, ...args, ...flags]))
        }
        await using admin = await Admin.connect(`127.0.0.1:${theatre.port}`)
        const result = async (handle: string): Promise<string> => {
          let job: unknown
          await theatre.until(`the end of ${handle}`, async () => {
            job = await admin.control('job show', { handle })
            return field(job, 'state') === 'complete'
          })
          return String(field(job, 'result', 'text'))
        }
        const untilDead = () => {
          return theatre.until('a dead job', async () => (await admin.control('dead', {})).jobs.length === 1)
        }
        await test({ theatre, geartrain, result, untilDead, path })
      })
    }
  })
}

/** What lies at that path in a JSON value; undefined where it ends before. */
function field(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((at, key) => (isRecord(at) ? at[key] : undefined), value)
}

function isRecord(value: unknown): value is Record<string | number, unknown> {
  return typeof value === 'object' && value !== null
}

function list(value: unknown): readonly unknown[] {
  assert.ok(Array.isArray(value), `a list, not ${JSON.stringify(value)}`)
  return value
}

// PHP

/** Starts a worker that is told by its stdin what to do with a job, and waits until the server knows it. */
async function phpWorker(theatre: Theatre, id: string, ...functions: readonly string[]): Promise<Program> {
  const worker = theatre.start(php('policy_worker.php', theatre.port, id, ...functions))
  await theatre.until(`${id} in workers`, async () => {
    return new RegExp(` ${id} : .*${functions[0]}`).test(await theatre.ask('workers'))
  })
  return worker
}

async function phpSubmits(theatre: Theatre, ...args: readonly string[]): Promise<readonly string[]> {
  return (await theatre.output(php('policy_client.php', theatre.port, ...args))).trim().split('\n')
}

/** The worker has that job, and does so with it. */
async function act(worker: Program, has: string, says: string): Promise<void> {
  assert.equal(await worker.line(), `has ${has}`)
  worker.type(says)
  assert.equal(await worker.line(), 'said')
}

policies('PHP', ['php'], {
  'a worker that fails twice and then succeeds': async ({ theatre, geartrain, result }) => {
    const worker = await phpWorker(theatre, 'one', 'flaky')
    const [handle = ''] = await phpSubmits(theatre, 'flaky', 'job')
    await act(worker, 'flaky job', 'fail')
    await act(worker, 'flaky job', 'throw no luck')
    await act(worker, 'flaky job', 'done at last')
    assert.equal(await result(handle), 'at last')
    const failures = list(field(await geartrain('job', 'show', handle), 'failures'))
    assert.deepEqual(
      failures.map((each) => [field(each, 'reason'), field(each, 'error')]),
      [
        ['failed', ''],
        ['exception', 'no luck'],
      ],
    )
  },

  'a client that waits sees nothing of failures that are tried again': async ({ theatre }) => {
    const worker = await phpWorker(theatre, 'one', 'reverse')
    const client = theatre.start(php('reverse_client.php', theatre.port))
    await act(worker, 'reverse Hello World!', 'fail')
    await act(worker, 'reverse Hello World!', 'throw no luck')
    await act(worker, 'reverse Hello World!', 'done at last')
    assert.equal((await client.ended()).stdout, 'at last')
  },

  'after three failures a job is dead: it is listed, shown, and tried again': async (play) => {
    const { theatre, geartrain, result, untilDead } = play
    const worker = await phpWorker(theatre, 'one', 'flaky')
    const [handle = ''] = await phpSubmits(theatre, 'flaky', 'job')
    for (const reason of ['first', 'second', 'third']) await act(worker, 'flaky job', `throw ${reason}`)
    await untilDead()
    const [dead] = list(await geartrain('dead', 'list', 'flaky'))
    assert.deepEqual(
      ['handle', 'attempts', 'reason', 'error'].map((key) => field(dead, key)),
      [handle, 3, 'exception', 'third'],
    )
    const shown = await geartrain('dead', 'show', handle)
    assert.equal(field(shown, 'workload', 'text'), 'job')
    const failures = list(field(shown, 'failures'))
    assert.deepEqual(
      failures.map((each) => field(each, 'error')),
      ['first', 'second', 'third'],
    )
    for (const failure of failures) assert.match(String(field(failure, 'worker')), /^one 127\.0\.0\.1/)
    await theatre.untilStatus('flaky\t0\t0\t1')

    await geartrain('dead', 'retry', handle)
    await act(worker, 'flaky job', 'fail')
    await act(worker, 'flaky job', 'done after all')
    assert.equal(await result(handle), 'after all')
    assert.deepEqual(await geartrain('dead', 'list'), [])
  },

  'a function is paused while its worker sleeps, and resumed': async ({ theatre, geartrain, result }) => {
    const worker = await phpWorker(theatre, 'one', 'rests', 'goes')
    await geartrain('function', 'pause', 'rests')
    const [waiting = ''] = await phpSubmits(theatre, 'rests', 'waits')
    await phpSubmits(theatre, 'goes', 'first')
    await act(worker, 'goes first', 'done')
    await theatre.untilStatus('rests\t1\t0\t1')
    await phpSubmits(theatre, 'goes', 'second')
    await act(worker, 'goes second', 'done')
    await geartrain('function', 'resume', 'rests')
    await act(worker, 'rests waits', 'done')
    assert.equal(await result(waiting), '')
  },

  'jobs of schedules': async ({ theatre, geartrain }) => {
    const worker = await phpWorker(theatre, 'one', 'every')
    await act(worker, 'every by every', 'done')
    await act(worker, 'every by every', 'done')
    await worker.kill()
    const cron = await phpWorker(theatre, 'two', 'cron')
    await act(cron, 'cron by cron', 'done')
    await act(cron, 'cron by cron', 'done')
    const runs = list(field(await geartrain('schedule', 'show', 'cron-second'), 'history'))
    const times = runs.map((run) => Number(field(run, 'dueAt')))
    const [last = 0] = times
    assert.deepEqual(
      times,
      times.map((_, index) => last - 1000 * index),
    )
    assert.equal(last % 1000, 0)
    for (const run of runs) assert.equal(field(run, 'outcome'), 'submitted')
  },

  'a worker hangs: another one gets its job, and what the first one says then is ignored': async (play) => {
    const { theatre, geartrain, result } = play
    const first = await phpWorker(theatre, 'first', 'hangs')
    const [handle = ''] = await phpSubmits(theatre, 'hangs', 'job')
    assert.equal(await first.line(), 'has hangs job')
    const second = await phpWorker(theatre, 'second', 'hangs')
    assert.equal(await second.line(), 'has hangs job')
    first.type('done too late')
    assert.equal(await first.line(), 'said')
    second.type('done in time')
    await second.line()
    assert.equal(await result(handle), 'in time')
    const failures = list(field(await geartrain('job', 'show', handle), 'failures'))
    assert.deepEqual(
      failures.map((each) => field(each, 'reason')),
      ['timeout'],
    )
    // It goes on with the next one.
    await second.kill()
    await phpSubmits(theatre, 'hangs', 'next')
    await act(first, 'hangs next', 'done')
  },

  'a queue that is full': async ({ theatre }) => {
    const [one = '', two = '', three = ''] = await phpSubmits(theatre, 'short', 'a', 'b', 'c')
    assert.match(one, /^H:/)
    assert.match(two, /^H:/)
    assert.match(three, /^refused: \d+ .*Job queue is full/)
    const worker = await phpWorker(theatre, 'one', 'short')
    await act(worker, 'short a', 'done')
    await theatre.untilStatus('short\t1\t1\t1')
    assert.match((await phpSubmits(theatre, 'short', 'd'))[0] ?? '', /^H:/)
  },

  'one at a time, with two workers': async ({ theatre }) => {
    const first = await phpWorker(theatre, 'first', 'single')
    await phpSubmits(theatre, 'single', 'a', 'b')
    assert.equal(await first.line(), 'has single a')
    const second = await phpWorker(theatre, 'second', 'single', 'other')
    await phpSubmits(theatre, 'other', 'meanwhile')
    await act(second, 'other meanwhile', 'done')
    await theatre.untilStatus('single\t2\t1\t2')
    await first.kill()
    // Lost, it is in line again, before or behind the other one.
    const one = await second.line()
    second.type('done')
    await second.line()
    const two = await second.line()
    assert.deepEqual([one, two].sort(), ['has single a', 'has single b'])
  },
})

// The commands of C

function gearman(theatre: Theatre, ...args: readonly string[]): readonly string[] {
  return ['gearman', '-h', '127.0.0.1', '-p', String(theatre.port), ...args]
}

async function startScript(theatre: Theatre, name: string, script: string, count = 1): Promise<void> {
  theatre.start(gearman(theatre, '-w', '-f', name, '--', 'sh', '-c', script))
  await theatre.until('the worker', async () =>
    new RegExp(`^${name}\\t\\d+\\t\\d+\\t${count}$`, 'm').test(await theatre.ask('status')),
  )
}

async function submit(theatre: Theatre, name: string, workload: string): Promise<string> {
  const { stdout, stderr } = await theatre.run(gearman(theatre, '-b', '-v', '-f', name, workload))
  const [, handle] = /Task created: (\S+)/.exec(stdout + stderr) ?? []
  assert.ok(handle !== undefined, stdout + stderr)
  return handle
}

policies('gearman -w', ['gearman'], {
  'a command that fails twice and then succeeds': async ({ theatre, result, path }) => {
    const script = `echo x >> ${path('tries')}; [ $(wc -l < ${path('tries')}) -ge 3 ] && tr a-z A-Z`
    await startScript(theatre, 'flaky', script)
    const handle = await submit(theatre, 'flaky', 'hello')
    assert.equal(await result(handle), 'HELLO')
    assert.equal(readFileSync(path('tries'), 'utf8'), 'x\nx\nx\n')
  },

  'a dead letter, tried again from the command line': async (play) => {
    const { theatre, geartrain, result, untilDead, path } = play
    await startScript(theatre, 'flaky', `cat ${path('there')}`)
    const handle = await submit(theatre, 'flaky', 'hello')
    await untilDead()
    const shown = await geartrain('dead', 'show', handle)
    assert.equal(field(shown, 'attempts'), 3)
    writeFileSync(path('there'), 'now it is')
    await geartrain('dead', 'retry', '--function', 'flaky')
    assert.equal(await result(handle), 'now it is')
    assert.deepEqual(await geartrain('dead', 'list'), [])
  },

  'pause and resume': async ({ theatre, geartrain, result }) => {
    theatre.start(gearman(theatre, '-w', '-f', 'rests', '-f', 'goes', '--', 'cat'))
    await theatre.untilStatus('goes\t0\t0\t1')
    await geartrain('function', 'pause', 'rests')
    const waiting = await submit(theatre, 'rests', 'waits')
    assert.equal(await result(await submit(theatre, 'goes', 'goes')), 'goes')
    await theatre.untilStatus('rests\t1\t0\t1')
    await geartrain('function', 'resume', 'rests')
    assert.equal(await result(waiting), 'waits')
  },

  'jobs of a schedule': async ({ theatre }) => {
    const worker = theatre.start(gearman(theatre, '-w', '-c', '2', '-f', 'cron'))
    assert.equal((await worker.ended()).stdout, 'by cronby cron')
  },

  'one at a time, with two workers': async ({ theatre, result, path }) => {
    const script = `mkdir ${path('lock')} || echo twice >> ${path('overlap')}; sleep 0.02; rmdir ${path('lock')}; cat`
    writeFileSync(path('overlap'), '')
    await startScript(theatre, 'single', script)
    await startScript(theatre, 'single', script, 2)
    const handles = await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map((each) => submit(theatre, 'single', each)))
    const results = await Promise.all(handles.map(result))
    assert.deepEqual(results, ['a', 'b', 'c', 'd', 'e', 'f'])
    assert.equal(readFileSync(path('overlap'), 'utf8'), '')
  },
})

// libgearman

let binary: string | undefined

/** The program with a mode, and where its server is. Compiled the first time that a test needs it. */
function libgearman(mode: string, theatre: Theatre, ...args: readonly string[]): readonly string[] {
  if (binary === undefined) {
    binary = join(directory, 'gearman_peer')
    const source = join(repositoryRoot, 'test/programs/c/gearman_peer.c')
    const flags = execFileSync('pkg-config', ['--cflags', '--libs', 'gearmand'], { encoding: 'utf8' }).split(/\s+/)
    execFileSync('cc', ['-Wall', '-Wextra', '-o', binary, source, ...flags.filter(Boolean)])
  }
  return [binary, mode, String(theatre.port), ...args]
}

policies('libgearman', ['libgearman'], {
  'exceptions of a worker end in a dead letter': async ({ theatre, geartrain, untilDead }) => {
    theatre.start(libgearman('worker', theatre))
    await theatre.untilStatus('throws\t0\t0\t1')
    const printed = await theatre.output(libgearman('do_background', theatre, 'throws'))
    const [, handle = ''] = printed.trimEnd().split('\n')
    await untilDead()
    const failures = list(field(await geartrain('dead', 'show', handle), 'failures'))
    assert.deepEqual(
      failures.map((each) => [field(each, 'reason'), field(each, 'error')]),
      Array.from({ length: 3 }, () => ['exception', 'broken']),
    )
  },

  'a worker hangs: another one gets its job, and what the first one says then is ignored': async (play) => {
    const { theatre, result } = play
    const first = theatre.start(libgearman('worker', theatre))
    await theatre.untilStatus('slow\t0\t0\t1')
    const [, handle = ''] = (await theatre.output(libgearman('do_background', theatre, 'slow'))).trimEnd().split('\n')
    assert.equal(await first.line(), 'has hello u-background')
    const second = theatre.start(libgearman('worker', theatre))
    assert.equal(await second.line(), 'has hello u-background')
    second.type('go on')
    assert.equal(await second.line(), 'sent GEARMAN_SUCCESS')
    assert.equal(await result(handle), 'slow')
    first.type('go on')
    assert.equal(await first.line(), 'sent GEARMAN_SUCCESS')
    await second.kill()
    // It goes on with the next one.
    await theatre.output(libgearman('do_background', theatre, 'upper'))
    await theatre.untilStatus('upper\t0\t0\t1')
  },
})
