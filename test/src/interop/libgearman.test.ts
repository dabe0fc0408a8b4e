import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { repositoryRoot } from '../support/peers.ts'
import { interop, type Program, type Theatre } from './program.ts'

const directory = mkdtempSync(join(tmpdir(), 'geartrain-libgearman-'))
const binary = join(directory, 'gearman_peer')
let isBuilt = false

after(() => rmSync(directory, { recursive: true, force: true }))

/** The program with a mode, and where its server is. Compiled the first time that a test needs it. */
function peer(mode: string, theatre: Theatre, ...args: readonly (string | number)[]): readonly string[] {
  if (!isBuilt) {
    const source = join(repositoryRoot, 'test/programs/c/gearman_peer.c')
    const flags = execFileSync('pkg-config', ['--cflags', '--libs', 'gearmand'], { encoding: 'utf8' }).split(/\s+/)
    execFileSync('cc', ['-Wall', '-Wextra', '-o', binary, source, ...flags.filter(Boolean)])
    isBuilt = true
  }
  return [binary, mode, String(theatre.port), ...args.map(String)]
}

async function startWorker(theatre: Theatre, timeout: number = 0): Promise<Program> {
  const before = /^split\t\d+\t\d+\t(\d+)$/m.exec(await theatre.ask('status'))?.[1] ?? '0'
  const worker = theatre.start(peer('worker', theatre, timeout))
  await theatre.until('the worker', async () => {
    return new RegExp(`^split\\t0\\t0\\t${Number(before) + 1}$`, 'm').test(await theatre.ask('status'))
  })
  return worker
}

const lines = (text: string) => text.trimEnd().split('\n')

interop('libgearman', ['libgearman'], {
  'do, do_high, do_low, failures and echo': async (theatre) => {
    await startWorker(theatre)
    // The data that came before the end is put before the result.
    assert.deepEqual(lines(await theatre.output(peer('do', theatre, 'exceptions'))), [
      'option: 1',
      'do: GEARMAN_SUCCESS HEHELLO',
      'do_high: GEARMAN_SUCCESS HEHELLO',
      'do_low: GEARMAN_SUCCESS HEHELLO',
      'do fails: GEARMAN_WORK_FAIL ',
      'do throws: GEARMAN_WORK_EXCEPTION ',
      'echo: GEARMAN_SUCCESS',
    ])
  },

  'an exception reaches a client without the option as a failure': async (theatre) => {
    await startWorker(theatre)
    if (theatre.server.kind === 'gearmand') {
      return 'gearmand puts a NUL behind the handle, the client does not know such a job and waits for ever'
    }
    const said = lines(await theatre.output(peer('do', theatre)))
    assert.deepEqual(said.slice(-3), [
      'do fails: GEARMAN_WORK_FAIL ',
      'do throws: GEARMAN_WORK_FAIL ',
      'echo: GEARMAN_SUCCESS',
    ])
    return undefined
  },

  'tasks with all callbacks': async (theatre) => {
    await startWorker(theatre)
    const said = lines(await theatre.output(peer('tasks', theatre, 'exceptions')))
    const of = (unique: string) =>
      said.filter((line) => line.startsWith(`${unique} `)).map((line) => line.slice(unique.length + 1))
    const whole = (word: string) => [
      'created ',
      'status 1/2 known 1 running 0',
      `data ${word.slice(0, 2)}`,
      'warning careful',
      `complete ${word}`,
    ]
    assert.deepEqual(of('u1'), whole('ONE'))
    assert.deepEqual(of('u2'), whole('TWO'))
    assert.deepEqual(of('u3'), whole('THREE'))
    assert.deepEqual(of('u4'), ['created ', 'fail'])
    assert.deepEqual(of('u5'), ['created ', 'exception broken'])
    assert.deepEqual(of('u6'), ['created '])
    assert.deepEqual([said[0], said.at(-1)], ['option: 1', 'end GEARMAN_SUCCESS'])
  },

  'a background job, its status by handle and by unique': async (theatre) => {
    const [result, handle = ''] = lines(await theatre.output(peer('do_background', theatre, 'slow')))
    assert.equal(result, 'GEARMAN_SUCCESS')
    assert.match(handle, new RegExp(`^H:${hostname()}:[1-9][0-9]*$`))
    const status = async () => lines(await theatre.output(peer('status', theatre, handle, 'u-background')))
    assert.deepEqual(await status(), ['handle: GEARMAN_SUCCESS 1 0 0/0', 'unique: GEARMAN_SUCCESS 1 0 0/0'])
    const worker = theatre.start(peer('worker', theatre))
    assert.equal(await worker.line(), 'has hello u-background')
    assert.deepEqual(await status(), ['handle: GEARMAN_SUCCESS 1 1 0/0', 'unique: GEARMAN_SUCCESS 1 1 0/0'])
    worker.type('go on')
    assert.equal(await worker.line(), 'sent GEARMAN_SUCCESS')
    await theatre.untilStatus('slow\t0\t0\t1')
    assert.deepEqual(await status(), ['handle: GEARMAN_SUCCESS 0 0 0/0', 'unique: GEARMAN_SUCCESS 0 0 0/0'])
  },

  'clients with one unique share one job, also when the unique stands for the workload': async (theatre) => {
    for (const unique of ['mine', '#', '-']) {
      const clients = [1, 2, 3].map(() => theatre.start(peer('unique', theatre, 'slow', unique)))
      // The library turns # into a number of its own, so the job is found by its function.
      await theatre.until('three clients', async () => (await theatre.ask('workers')).split('\n').length === 6)
      await theatre.until('one job', async () => /^slow\t1\t/m.test(await theatre.ask('status')))
      const worker = theatre.start(peer('worker', theatre))
      assert.match(await worker.line(), /^has hello /)
      assert.match(await theatre.ask('status'), /^slow\t1\t1\t1$/m)
      worker.type('go on')
      for (const client of clients) assert.equal((await client.ended()).stdout, 'unique: GEARMAN_SUCCESS slow\n')
      await worker.kill()
      await theatre.untilStatus('slow\t0\t0\t0')
    }
  },

  'a job for a time to come': async (theatre) => {
    const worker = await startWorker(theatre)
    const [due, handle] = lines(await theatre.output(peer('epoch', theatre, 2)))
    assert.match(handle ?? '', /^H:/)
    await theatre.untilStatus('slow\t1\t0\t1')
    // gearmand 1.1 wakes nobody when the time has come; other jobs have to do that, and they may have to wait behind it.
    while (theatre.server.kind === 'gearmand' && !worker.stdout.includes('has')) {
      await theatre.output(peer('do_background', theatre, 'upper'))
    }
    assert.equal(await worker.line(), 'has later u-epoch')
    assert.ok(Date.now() / 1000 >= Number(due) - 0.02)
    worker.type('go on')
    assert.equal(await worker.line(), 'sent GEARMAN_SUCCESS')
  },

  'map and reduce': async (theatre) => {
    // One has the job that maps, the other the parts.
    await startWorker(theatre)
    await startWorker(theatre)
    const said = (await theatre.output(peer('partition', theatre, 'alpha beta gamma'))).trimEnd().split(' ')
    // In which order the library gives the parts to its aggregator is its own affair.
    assert.deepEqual([said[0], ...said.slice(1).sort()], ['GEARMAN_SUCCESS', 'ALPHA', 'BETA', 'GAMMA'])
  },

  'a worker is late: its job went back to the queue, and it goes on': async (theatre) => {
    const late = await startWorker(theatre, 1)
    const client = theatre.start(peer('unique', theatre, 'slow', 'mine'))
    assert.equal(await late.line(), 'has hello mine')
    await theatre.untilStatus('slow\t1\t0\t1')
    late.type('go on')
    assert.equal(await late.line(), 'sent GEARMAN_SUCCESS')
    // gearmand answers with an ERROR, which the library does not expect.
    if (theatre.server.kind === 'gearmand') assert.equal(await late.line(), 'work: GEARMAN_UNEXPECTED_PACKET')
    const other = theatre.start(peer('worker', theatre))
    assert.equal(await other.line(), 'has hello mine')
    other.type('go on')
    assert.equal((await client.ended()).stdout, 'unique: GEARMAN_SUCCESS slow\n')
  },

  'a job is cancelled while it runs: the worker goes on to the next one': async (theatre) => {
    const worker = await startWorker(theatre)
    const first = theatre.start(peer('unique', theatre, 'slow', 'first'))
    assert.equal(await worker.line(), 'has hello first')
    const [handle] = (await theatre.ask('show jobs')).split('\t')
    assert.equal(await theatre.ask(`cancel job ${handle}`), 'OK\r\n')
    assert.equal((await first.ended()).stdout, 'unique: GEARMAN_WORK_FAIL \n')
    worker.type('go on')
    assert.equal(await worker.line(), 'sent GEARMAN_SUCCESS')
    const second = theatre.start(peer('unique', theatre, 'slow', 'second'))
    assert.equal(await worker.line(), 'has hello second')
    worker.type('go on')
    assert.equal((await second.ended()).stdout, 'unique: GEARMAN_SUCCESS slow\n')
  },
})
