import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { interop, php } from './program.ts'

interop('PHP', ['php'], {
  'a worker reverses what a client sends': async (theatre) => {
    theatre.start(php('reverse_worker.php', theatre.port))
    assert.equal(await theatre.output(php('reverse_client.php', theatre.port)), '!dlroW olleH')
    assert.equal(await theatre.output(php('reverse_client.php', theatre.port)), '!dlroW olleH')
  },

  'a client may be there before the worker': async (theatre) => {
    const client = theatre.start(php('reverse_client.php', theatre.port))
    await theatre.untilStatus('reverse\t1\t0\t0')
    theatre.start(php('reverse_worker.php', theatre.port))
    assert.equal((await client.ended()).stdout, '!dlroW olleH')
  },

  'a background job waits for a worker that comes later': async (theatre) => {
    const [handle, code] = (await theatre.output(php('background_client.php', theatre.port))).split(' ')
    assert.match(handle ?? '', new RegExp(`^H:${hostname()}:[1-9][0-9]*$`))
    assert.equal(code, '0')
    await theatre.untilStatus('testFunction\t1\t0\t0')
    const printed = await theatre.output(php('background_worker.php', theatre.port))
    assert.equal(
      Buffer.from(printed, 'latin1').toString('utf8'),
      `${handle} array (
  'to' => 'joe@example.org',
  'text' => 'Grüße
' . "\\0" . '',
  'n' => 
  array (
    0 => 1,
    1 => 2.5,
    2 => NULL,
  ),
)
`,
    )
    await theatre.untilStatus('testFunction\t0\t0\t0')
  },

  'three workers share the load': async (theatre) => {
    const directory = mkdtempSync(join(tmpdir(), 'geartrain-meeting-'))
    try {
      const workers = [1, 2, 3].map(() => theatre.start(php('meeting_worker.php', theatre.port, directory)))
      await theatre.untilStatus('meet\t0\t0\t3')
      const printed = await theatre.output(php('meeting_client.php', theatre.port, 3))
      assert.deepEqual(printed.trim().split('\n').sort(), workers.map((worker) => String(worker.pid)).sort())
    } finally {
      rmSync(directory, { recursive: true })
    }
  },

  'a worker is killed: another one does its job': async (theatre) => {
    const first = theatre.start(php('slow_worker.php', theatre.port, 0))
    const client = theatre.start(php('slow_client.php', theatre.port, 'job'))
    assert.equal(await first.line(), 'ready')
    assert.equal(await first.line(), 'has job')
    await first.kill()
    await theatre.untilStatus('slow\t1\t0\t0')
    const second = theatre.start(php('slow_worker.php', theatre.port, 0))
    assert.equal(await second.line(), 'ready')
    assert.equal(await second.line(), 'has job')
    second.type('go on')
    assert.equal((await client.ended()).stdout, '0 done job\n')
  },

  'ten tasks with all their callbacks': async (theatre) => {
    theatre.start(php('tasks_worker.php', theatre.port))
    const lines = (await theatre.output(php('tasks_client.php', theatre.port))).trimEnd().split('\n')
    const of = (unique: string) =>
      lines.filter((line) => line.startsWith(`${unique} `)).map((line) => line.slice(unique.length + 1))
    const whole = (word: string) => [
      'created H',
      'status 1/2',
      `data ${word.slice(0, 1)}`,
      `warning careful with ${word}`,
      'status 2/2',
      `complete ${word.toUpperCase()}`,
    ]
    assert.deepEqual(of('u1'), whole('alpha'))
    assert.deepEqual(of('u2'), whole('beta'))
    assert.deepEqual(of('u3'), whole('gamma'))
    assert.deepEqual(of('u4'), ['created H', 'fail '])
    assert.deepEqual(of('u5'), ['created H', 'exception no epsilon'])
    assert.deepEqual(of('u6'), ['created H', 'fail '])
    for (const background of ['u7', 'u8', 'u9']) assert.deepEqual(of(background), ['created H'])
    assert.deepEqual(of('u10'), whole('kappa'))
    assert.equal(lines.at(-1), 'end 0')
  },

  'do, in all priorities, with data and status, failures, exceptions and uniques': async (theatre) => {
    theatre.start(php('tasks_worker.php', theatre.port))
    theatre.start(php('reverse_worker.php', theatre.port))
    assert.deepEqual((await theatre.output(php('do_client.php', theatre.port))).trimEnd().split('\n'), [
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
  },

  'jobStatus and jobStatusByUniqueKey while the job waits, runs and is over': async (theatre) => {
    const client = theatre.start(php('status_client.php', theatre.port))
    assert.equal(await client.line(), 'waiting [true,false,0,0] [true,false,0,0]')
    const worker = theatre.start(php('step_worker.php', theatre.port))
    assert.equal(await worker.line(), 'at 3 of 10')
    // Sent is not yet arrived.
    await theatre.untilStatus('step\t1\t1\t1')
    client.type('go on')
    assert.equal(await client.line(), 'running [true,true,3,10] [true,true,3,10]')
    worker.type('go on')
    assert.equal(await worker.line(), 'done')
    await theatre.until('the end of the job', async () => /^step\t0\t0/m.test(await theatre.ask('status')))
    client.type('go on')
    assert.equal(await client.line(), 'over [false,false,0,0] [false,false,0,0]')
    assert.equal(await client.line(), 'unknown [false,false,0,0] [false,false,0,0]')
  },

  'setId and the functions of a worker stand in workers': async (theatre) => {
    theatre.start(php('tasks_worker.php', theatre.port))
    await theatre.until('the worker in workers', async () => {
      return /^\d+ 127\.0\.0\.1 worker-of-tasks : upper fail set_fail throw throwonly unique$/m.test(
        await theatre.ask('workers'),
      )
    })
  },

  'a worker is late: its job went back to the queue, its loop goes on': async (theatre) => {
    // Stubborn, since gearmand's JOB_NOT_FOUND ends the loop of any other.
    const late = theatre.start(php('slow_worker.php', theatre.port, 1, 'stubborn'))
    assert.equal(await late.line(), 'ready')
    const client = theatre.start(php('slow_client.php', theatre.port, 'job'))
    assert.equal(await late.line(), 'has job')
    await theatre.untilStatus('slow\t1\t0\t1')
    late.type('go on')
    assert.equal(await late.line(), 'work true')
    if (theatre.server.kind === 'gearmand') assert.equal(await late.line(), 'work false: 11')
    assert.equal(await late.line(), 'has job')
    late.type('go on')
    assert.equal(await late.line(), 'work true')
    assert.equal((await client.ended()).stdout, '0 done job\n')
  },

  'a job is cancelled while it runs: the worker goes on to the next one': async (theatre) => {
    const worker = theatre.start(php('slow_worker.php', theatre.port, 0))
    assert.equal(await worker.line(), 'ready')
    const first = theatre.start(php('slow_client.php', theatre.port, 'first'))
    assert.equal(await worker.line(), 'has first')
    const [handle] = (await theatre.ask('show jobs')).split('\t')
    assert.equal(await theatre.ask(`cancel job ${handle}`), 'OK\r\n')
    assert.equal((await first.ended()).stdout, '24 \n')
    worker.type('go on')
    assert.equal(await worker.line(), 'work true')
    const second = theatre.start(php('slow_client.php', theatre.port, 'second'))
    assert.equal(await worker.line(), 'has second')
    worker.type('go on')
    assert.equal((await second.ended()).stdout, '0 done second\n')
  },
})
