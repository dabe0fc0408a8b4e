import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { after, suite, test } from 'node:test'
import { Client, JobExceptionError, JobFailedError, JobFailure } from '@geartrain/client'
import { geartrain, scratch } from '../../cli/command.ts'
import { Program, php } from '../../interop/program.ts'
import { missing } from '../../support/peers.ts'
import { eventually } from '../../support/postgres/eventually.ts'
import { Member, sharedFleet } from './fleet.ts'
import { Hands, startWorker } from './hands.ts'

// Jobs whose client waits, done wherever there is a worker.

const fleet = sharedFleet()
const programs: Program[] = []
after(() => Promise.all(programs.map((program) => program.kill())))

function program(command: readonly string[]): Program {
  const started = new Program(command, {})
  programs.push(started)
  return started
}

async function output(command: readonly string[]): Promise<string> {
  const started = program(command)
  started.end()
  const { code, stdout, stderr } = await started.ended()
  assert.equal(code, 0, `${command.join(' ')}: ${stderr}`)
  return stdout
}

suite('foreground jobs of a cluster', { skip: fleet.skip }, () => {
  test('data, warning, status and result come from the other server', async () => {
    const { a, b } = await fleet.pair()
    await using _worker = await startWorker(b, 'talk', async (job) => {
      job.progress(1, 2)
      await job.data('first ')
      await job.warn('careful')
      await job.data('second ')
      job.progress(2, 2)
      return `result of ${job.text()}`
    })
    await using client = await Client.connect(a.address)
    const heard: string[] = []
    for await (const event of client.submit('talk', 'hello')) {
      if (event.type === 'created') heard.push('created')
      else if (event.type === 'status') heard.push(`${event.numerator}/${event.denominator}`)
      else if (event.type === 'fail') heard.push('fail')
      else heard.push(`${event.type} ${Buffer.from(event.data).toString()}`)
    }
    assert.deepEqual(heard, [
      'created',
      '1/2',
      'data first ',
      'warning careful',
      'data second ',
      '2/2',
      'complete result of hello',
    ])
  })

  test('failures and exceptions come from the other server', async () => {
    const { a, b } = await fleet.pair()
    await using _worker = await startWorker(b, 'no-good', (job) => {
      throw job.text() === 'fail' ? new JobFailure() : new Error('no such account')
    })
    await using client = await Client.connect(a.address)
    await assert.rejects(client.submit('no-good', 'fail').result(), JobFailedError)
    await assert.rejects(client.submit('no-good', 'throw').result(), (error) => {
      return error instanceof JobExceptionError && error.message === 'no such account'
    })
  })

  test('over HTTP, by the command, with a payload of megabytes, and many at once', async () => {
    const { a, b } = await fleet.pair()
    await using _worker = await startWorker(b, 'echo', (job) => job.workload)
    const post = { method: 'POST', body: 'over HTTP' }
    assert.deepEqual(await a.http('/api/functions/echo/jobs?wait=20s', post), { status: 200, text: 'over HTTP' })
    assert.equal(await a.tell(['do', 'echo', 'by the command']), 'by the command')
    await using client = await Client.connect(a.address)
    const large = Buffer.alloc(5_000_000, 'abc')
    assert.ok(large.equals(await client.submit('echo', large).bytes()))
    const texts = Array.from({ length: 500 }, (_, index) => `job ${index}`)
    assert.deepEqual(await Promise.all(texts.map((text) => client.submit('echo', text).text())), texts)
  })

  test('the job waits for a worker, which comes at the other server', async () => {
    const { a, b } = await fleet.pair()
    await using client = await Client.connect(a.address)
    const job = client.submit('early', 'early')
    await job.created()
    await using _worker = await startWorker(b, 'early', () => 'done')
    assert.equal(await job.text(), 'done')
  })

  test('clients with the same unique are told of one job', async () => {
    const { a, b } = await fleet.pair()
    await using hands = await Hands.at(b, 'joined')
    await using client = await Client.connect(a.address)
    await using other = await Client.connect(a.address)
    const first = client.submit('joined', '', { unique: 'key' })
    const { finish } = await hands.next()
    const second = other.submit('joined', '', { unique: 'key' })
    await second.created()
    finish('for both')
    assert.deepEqual([await first.text(), await second.text()], ['for both', 'for both'])
    assert.equal(hands.jobs.length, 1)
  })

  test('status and cancel of a job that a worker of the other server has', async () => {
    const { a, b } = await fleet.pair()
    await using hands = await Hands.at(b, 'held')
    await using client = await Client.connect(a.address)
    const job = client.submit('held', '')
    const end = assert.rejects(job.result(), JobFailedError)
    const inHand = await hands.next()
    inHand.job.progress(1, 4)
    await eventually('its progress is known', async () => (await job.status()).numerator === 1 || undefined)
    assert.deepEqual(await job.status(), { isKnown: true, isRunning: true, numerator: 1, denominator: 4 })
    await a.tell(['cancel', (await job.created()) ?? ''])
    await end
    await eventually('the worker hears of it', () => inHand.job.signal.aborted || undefined)
  })

  test('a worker that is here comes first', async () => {
    const { a, b } = await fleet.pair()
    await using _there = await startWorker(b, 'where', () => 'there')
    await using _here = await startWorker(a, 'where', () => 'here')
    await using client = await Client.connect(a.address)
    const places = new Set<string>()
    for (let index = 0; index < 30; index++) {
      // Between two jobs it is busy.
      await eventually('the worker here waits for a job', async () => {
        const { connections } = await a.json<{ connections: readonly { clientId: string; isSleeping: boolean }[] }>(
          '/api/workers?function=where',
        )
        // The other server is a worker, too.
        return connections.some((each) => each.isSleeping && !each.clientId.startsWith('server')) || undefined
      })
      places.add(await client.submit('where', '').text())
    }
    assert.deepEqual([...places], ['here'])
  })

  test('when the worker here is busy, one at the other server does it', async () => {
    const { a, b } = await fleet.pair()
    await using here = await Hands.at(a, 'busy', { concurrency: 1 })
    await using client = await Client.connect(a.address)
    const first = client.submit('busy', 'first')
    const { finish } = await here.next()
    await using _there = await startWorker(b, 'busy', () => 'there')
    assert.equal(await client.submit('busy', 'second').text(), 'there')
    finish('here')
    assert.equal(await first.text(), 'here')
  })

  test('the other server is killed in the middle: a worker of a third one does the job', async () => {
    const { a } = await fleet.pair()
    await using lost = await Member.start('lost', fleet.url)
    await using there = await Hands.at(lost, 'orphan')
    await using client = await Client.connect(a.address)
    const job = client.submit('orphan', 'payload')
    await there.next()
    await using third = await Member.start('third', fleet.url)
    await using next = await Hands.at(third, 'orphan')
    await lost.kill()
    const again = await next.next()
    assert.equal(again.job.text(), 'payload')
    again.finish('after all')
    assert.equal(await job.text(), 'after all')
  })

  test('PHP: clients here, workers there', { skip: missing('php') ?? false }, async () => {
    const { a, b } = await fleet.pair()
    program(php('tasks_worker.php', b.port))
    program(php('reverse_worker.php', b.port))
    assert.equal(await output(php('reverse_client.php', a.port)), '!dlroW olleH')
    assert.deepEqual((await output(php('do_client.php', a.port))).trimEnd().split('\n'), [
      'ping true',
      'doNormal hHELLO 0',
      'doHigh hHELLO 0',
      'doLow hHELLO 0',
      'fail is GEARMAN_WORK_FAIL',
      'throw is GEARMAN_WORK_EXCEPTION ',
      'unique my own-key, unique',
      'unique made by the library: 36 bytes',
      'big whole',
    ])
    const lines = (await output(php('tasks_client.php', a.port))).trimEnd().split('\n')
    assert.deepEqual(
      lines.filter((line) => line.startsWith('u1 ')),
      ['created H', 'status 1/2', 'data a', 'warning careful with alpha', 'status 2/2', 'complete ALPHA'].map(
        (said) => `u1 ${said}`,
      ),
    )
    assert.equal(lines.at(-1), 'end 0')
  })

  test('the C tool: a client here, a worker there', { skip: missing('gearman') ?? false }, async () => {
    const { a, b } = await fleet.pair()
    program(['gearman', '-h', '127.0.0.1', '-p', `${b.port}`, '-w', '-f', 'c-upper', '--', 'tr', 'a-z', 'A-Z'])
    assert.equal(await output(['gearman', '-h', '127.0.0.1', '-p', `${a.port}`, '-f', 'c-upper', 'by C']), 'BY C')
  })
})

suite('foreground jobs of servers with access rules', { skip: fleet.skip }, () => {
  const token = 'gt_a-token-of-clients-and-workers-0123456789abc'
  const directory = scratch()
  after(() => directory[Symbol.dispose]())
  const config = directory.path('geartrain.toml')
  const hash = createHash('sha256').update(token).digest('hex')
  writeFileSync(config, `[access.all]\ntoken = "sha256:${hash}"\nroles = ["admin"]\n`)
  const secretFile = directory.path('secret')
  writeFileSync(secretFile, 'the-token-of-this-cluster-0123456789\n')

  test('by the token of the cluster they let each other in', async () => {
    const { url } = await fleet.postgres.createDatabase()
    const flags = ['--config', config]
    const inFile = [...flags, '--cluster-token-file', secretFile]
    await using a = await Member.start('one', url, { flags: inFile })
    await using b = await Member.start('two', url, {
      flags,
      env: { GEARTRAIN_CLUSTER_TOKEN: 'the-token-of-this-cluster-0123456789' },
    })
    await using _worker = await startWorker(b, 'guarded', (job) => `done: ${job.text()}`, { token })
    await using client = await Client.connect(a.address, { token })
    assert.equal(await client.submit('guarded', 'x').text(), 'done: x')
    for (const member of [a, b]) assert.ok(!member.command.stderr.includes('the-token-of'), 'the token is in the log')
    // What lets servers in lets nobody else do anything that he names himself.
    assert.equal((await a.http('/api/server')).status, 401)
    assert.equal((await a.http('/api/server', { token: 'wrong' })).status, 401)
  })

  test('with a wrong token there is no link, the log says so, and background jobs go on', async () => {
    const { url } = await fleet.postgres.createDatabase()
    const start = (name: string, secret: string) =>
      Member.start(name, url, { flags: ['--config', config], env: { GEARTRAIN_CLUSTER_TOKEN: secret } })
    await using a = await start('one', 'the-token-of-this-cluster-0123456789')
    await using b = await start('two', 'the-token-of-another-cluster-0123456789')
    await using there = await Hands.at(b, 'guarded', { token })
    await using client = await Client.connect(a.address, { token })
    const job = client.submit('guarded', 'foreground')
    await job.created()
    await client.submitBackground('guarded', 'background')
    const { job: came, finish } = await there.next()
    assert.equal(came.text(), 'background')
    finish()
    await Promise.any([a.command.line(/token/), b.command.line(/token/)])
    for (const { command } of [a, b]) assert.ok(!command.stderr.includes('the-token-of'), 'a token is in the log')
    assert.equal(there.jobs.length, 1)
    await using _here = await startWorker(a, 'guarded', () => 'here', { token })
    assert.equal(await job.text(), 'here')
  })

  test('a token that is none, and a file that is not there', async () => {
    const serve = ['serve', '--port', '0', '--http', 'off', '--store', fleet.url, '--cluster-token-file']
    const { code, stderr } = await geartrain([...serve, directory.path('missing')])
    assert.notEqual(code, 0)
    assert.match(stderr, /cluster-token-file.*missing|missing.*cluster-token-file/)
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr)
  })
})
