import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { Admin, type AssignedJob, Client, type DeadJob, Worker } from '@geartrain/client'
import { deadColumns, errorColumn } from 'geartrain/dist/dead/list.js'
import { formatTable } from 'geartrain/dist/table.js'
import { onOwnServer, type Site } from '../client/site.ts'
import { startServer } from '../support/peers.ts'
import { geartrain, scratch, until, untilTrue } from './command.ts'
import { geartrainScript, missingTerminal, Terminal } from './terminal.ts'

// `geartrain dead`: on a server of its own for each test.

/** Jobs with these payloads, one after the other, that die at their second attempt. Resolves with their handles. */
async function letDie(address: string, jobFunction: string, payloads: readonly string[]): Promise<string[]> {
  await using admin = await Admin.connect(address)
  await using client = await Client.connect(address)
  await admin.setPolicy(jobFunction, { attempts: 2, 'backoff-first': '0' })
  const fails = (job: AssignedJob) => {
    throw new Error(`no ${job.text()}\u001b[31m`)
  }
  await using worker = new Worker(address, { clientId: 'fails' }).handle(jobFunction, fails)
  await worker.start()
  const handles: string[] = []
  for (const payload of payloads) {
    const handle = await client.submitBackground(jobFunction, payload)
    handles.push(handle)
    await untilTrue('it is dead', async () => (await admin.job(handle))?.state === 'dead')
  }
  return handles
}

/** Payloads of the jobs that are there, in the order in which a worker gets them. */
async function take(site: Site, jobFunction: string, count: number): Promise<string[]> {
  const payloads: string[] = []
  await using worker = site.worker()
  await new Promise<void>((resolve, reject) => {
    worker.handle(jobFunction, (job) => void (payloads.push(job.text()) === count && resolve()))
    worker.start().catch(reject)
  })
  return payloads
}

describe('geartrain dead', () => {
  it('list and show', async (t) => {
    await onOwnServer('ours', t, async (site) => {
      const [first = '', second = ''] = await letDie(site.address, 'größe', ['a', 'b'])
      const [other = ''] = await letDie(site.address, 'other', ['c'])
      const list = async (...args: string[]) => {
        const { code, stdout, stderr } = await geartrain(['dead', 'list', '-s', site.address, ...args])
        assert.equal(code, 0)
        const lines = stdout.split('\n').map((line) => line.replace(/ {2}(now|\d+[smhd] ago) /, '  WHEN '))
        return { lines: lines.map((line) => line.replace(/ {2,}/g, ' | ')), stderr }
      }
      assert.deepEqual(await list(), {
        lines: [
          'handle | function | died | attempts | reason | last error',
          `${other} | other | WHEN | 2 | exception | no c\ufffd[31m`,
          `${second} | größe | WHEN | 2 | exception | no b\ufffd[31m`,
          `${first} | größe | WHEN | 2 | exception | no a\ufffd[31m`,
          '',
        ],
        stderr: '',
      })
      assert.equal((await list('größe')).lines.length, 4)
      assert.equal((await list('--reason', 'timeout', '--all')).lines.length, 2)
      const limited = await list('-n', '1')
      assert.equal(limited.lines.length, 3)
      assert.equal(limited.stderr, 'geartrain dead: these are the latest 1: there are more, see --limit and --all\n')
      assert.equal((await list('-n', '3')).stderr, '')

      const shown = (await geartrain(['dead', 'show', first, '-s', site.address])).stdout
      const expected = [
        `handle      ${first}`,
        'function    größe',
        'state       dead: exception',
        'kind        background, priority normal',
        'attempts    2 without a result',
        'submitted   TIME',
        'ended       TIME',
        'kept until  TIME',
        '',
        'attempt 1: exception, TIME, on fails 127.0.0.1',
        '  no a\ufffd[31m',
        '',
        'attempt 2: exception, TIME, on fails 127.0.0.1',
        '  no a\ufffd[31m',
        '',
        'payload, 1 B',
        '  a',
        '',
      ]
      assert.deepEqual(shown.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z \([^)]+\)/g, 'TIME').split('\n'), expected)
      const json = JSON.parse((await geartrain(['dead', 'show', first, '--json', '-s', site.address])).stdout)
      assert.deepEqual([json.workload, json.failures.length, json.server], [{ text: 'a' }, 2, site.address])
    })
  })

  it('a job that is not dead, and one that never was', async (t) => {
    await onOwnServer('ours', t, async (site) => {
      const handle = await (await site.client()).submitBackground('f', '')
      const say = (...args: string[]) => geartrain(['dead', ...args, '-s', site.address])
      const alive = await say('show', handle)
      const sentence = `the job ${handle} is not dead, it is ready: geartrain job show has more`
      assert.deepEqual([alive.code, alive.stderr], [1, `geartrain dead: ${sentence}\n`])
      const none = await say('show', 'H:nowhere:1')
      assert.deepEqual(
        [none.code, none.stderr],
        [1, 'geartrain dead: "H:nowhere:1" is no handle that this server has given\n'],
      )
      const retried = await say('retry', handle, 'H:nowhere:1')
      assert.deepEqual([retried.code, retried.stdout], [1, ''])
      assert.match(
        retried.stderr,
        new RegExp(`^geartrain dead: ${handle} is not tried again: there is no such dead job`),
      )
      assert.match(retried.stderr, /\ngeartrain dead: H:nowhere:1 is not tried again: .*\n$/)
      const deleted = await say('delete', handle, '--json')
      assert.deepEqual([deleted.code, deleted.stdout], [1, `[{"handle":"${handle}","deleted":false,"server":null}]\n`])
    })
  })

  it('retry: one with another payload, some, all in the order in which they came', async (t) => {
    await onOwnServer('ours', t, async (site) => {
      const [a = '', b = '', ...others] = await letDie(site.address, 'f', ['a', 'b', 'c', 'd'])
      assert.equal(others.length, 2)
      await letDie(site.address, 'g', ['e'])
      const retry = async (...args: string[]) => {
        const { code, stdout, stderr } = await geartrain(['dead', 'retry', '-s', site.address, ...args])
        assert.deepEqual([code, stderr], [0, ''])
        return stdout
      }
      assert.equal(await retry(a, '--payload', 'A'), `${a} is tried again\n`)
      assert.deepEqual(await take(site, 'f', 1), ['A'])
      using directory = scratch()
      writeFileSync(directory.path('payload'), Buffer.of(0xff, 0x00))
      await retry(b, '--payload-file', directory.path('payload'))
      assert.deepEqual(await take(site, 'f', 1), ['\ufffd\u0000'])
      assert.equal(await retry('--function', 'f', '--reason', 'timeout'), '0 jobs tried again\n')
      assert.equal(await retry('--function', 'f', '--reason', 'exception'), '2 jobs tried again\n')
      assert.deepEqual(await take(site, 'f', 2), ['c', 'd'])
      assert.equal(await retry('--all', '--json'), `[{"retried":1,"refused":[],"server":"${site.address}"}]\n`)
    })
  })

  it('more than are asked for at once', async (t) => {
    await onOwnServer('ours', t, async (site) => {
      const count = 1001
      const admin = await site.admin()
      await admin.setPolicy('f', { attempts: 1 })
      const client = await site.client()
      const payloads = Array.from({ length: count }, (_, i) => String(i))
      await Promise.all(payloads.map((payload) => client.submitBackground('f', payload)))
      const fails = () => {
        throw new Error('no')
      }
      const worker = site.worker().handle('f', fails)
      await worker.start()
      await untilTrue('all are dead', async () => (await admin.functions())[0]?.dead === count)
      await worker.close()
      const say = async (...args: string[]) => {
        const { code, stdout } = await geartrain(['dead', ...args, '-s', site.address])
        assert.equal(code, 0)
        return stdout
      }
      assert.equal(new Set((await say('list', '--all')).split('\n')).size, count + 2)
      assert.equal((await say('list')).split('\n').length, 100 + 2)
      assert.equal((await say('list', '-n', '501')).split('\n').length, 501 + 2)
      assert.equal(await say('retry', '--all'), `${count} jobs tried again\n`)
      assert.deepEqual(await take(site, 'f', count), payloads)
    })
  })

  it('delete: some by their handles, all only with --yes', async (t) => {
    await onOwnServer('ours', t, async (site) => {
      const [a = ''] = await letDie(site.address, 'f', ['a', 'b'])
      await letDie(site.address, 'g', ['c'])
      const say = (...args: string[]) => geartrain(['dead', 'delete', '-s', site.address, ...args])
      assert.deepEqual(await say(a), { code: 0, signal: null, stdout: `deleted ${a}\n`, stderr: '' })
      const sentence = 'this can not be taken back, and there is no terminal to ask on: say --yes'
      assert.deepEqual(await say('--all'), {
        code: 2,
        signal: null,
        stdout: '',
        stderr: `geartrain dead: ${sentence}\n`,
      })
      assert.equal((await say('--function', 'f', '--yes')).stdout, 'deleted 1 job\n')
      assert.equal((await say('--all', '--yes', '--json')).stdout, `[{"deleted":1,"server":"${site.address}"}]\n`)
      assert.equal((await geartrain(['dead', 'list', '--json', '-s', site.address])).stdout, '[]\n')
    })
  })

  it('on several servers: each job where it is', async (t) => {
    await onOwnServer('ours', t, async (site) => {
      await using other = await startServer('ours')
      const servers = [site.address, `127.0.0.1:${other.port}`]
      const handles = [...(await letDie(servers[0] ?? '', 'f', ['a'])), ...(await letDie(servers[1] ?? '', 'f', ['b']))]
      const at = ['-s', servers.join()]
      const list = JSON.parse((await geartrain(['dead', 'list', '--json', ...at])).stdout)
      assert.deepEqual(
        list.map(({ server }: { server: string }) => server),
        [...servers].reverse(),
        'the latest first',
      )
      assert.match((await geartrain(['dead', 'show', handles[1] ?? '', ...at])).stdout, / {2}b\n$/)
      const retried = await geartrain(['dead', 'retry', ...handles, ...at])
      assert.deepEqual(
        [retried.code, retried.stdout],
        [0, handles.map((handle, i) => `${handle} is tried again on ${servers[i]}\n`).join('')],
      )
    })
  })

  it('edit: the payload goes through the editor', async (t) => {
    const skip = missingTerminal()
    if (skip !== undefined) return t.skip(skip)
    await onOwnServer('ours', t, async (site) => {
      const [handle = ''] = await letDie(site.address, 'f', ['{"to":"nobody"}'])
      using directory = scratch()
      const editor = (script: string) => {
        const file = directory.path('editor')
        writeFileSync(file, `#!/bin/sh\n${script}\n`)
        chmodSync(file, 0o755)
        return file
      }
      const edit = async (EDITOR: string) => {
        const args = [geartrainScript, 'dead', 'edit', handle, '-s', site.address]
        await using terminal = new Terminal(args, { columns: 200, rows: 24, env: { EDITOR } })
        return [await terminal.ended(), terminal.output]
      }
      assert.deepEqual(await edit(editor('exit 3')), [
        1,
        `geartrain dead: the editor (${directory.path('editor')}) ended with exit code 3: nothing was done\r\n`,
      ])
      const same = `the payload of ${handle} is as it was, so nothing was done`
      // What it adds at the end is what editors add.
      assert.deepEqual(await edit(editor('echo >> "$1"')), [
        1,
        `geartrain dead: ${same}: geartrain dead retry tries it again as it is\r\n`,
      ])
      const changes = editor('[ "$1" = -f ] && printf "%s\\n" "{\\"to\\":\\"anna\\"}" > "$2"')
      assert.deepEqual(await edit(`${changes} -f`), [0, `${handle} is tried again\r\n`])
      assert.deepEqual(await take(site, 'f', 1), ['{"to":"anna"}'])

      const { code, stderr } = await geartrain(['dead', 'edit', handle, '-s', site.address])
      const advice = 'dead retry HANDLE --payload-file FILE does the same without'
      assert.deepEqual([code, stderr], [2, `geartrain dead: an editor needs a terminal; ${advice}\n`])
    })
  })

  it('delete asks on a terminal', async (t) => {
    const skip = missingTerminal()
    if (skip !== undefined) return t.skip(skip)
    await onOwnServer('ours', t, async (site) => {
      await letDie(site.address, 'f', ['a'])
      const args = [geartrainScript, 'dead', 'delete', '--function', 'f', '-s', site.address]
      await using terminal = new Terminal(args, { columns: 80, rows: 24 })
      await until('it asks', () => (terminal.output.includes('Delete 1 dead job of f? [y/N] ') ? true : undefined))
      terminal.press('y\r')
      assert.equal(await terminal.ended(), 0)
      assert.ok(terminal.output.endsWith('deleted 1 job\r\n'), terminal.output)
    })
  })
})

describe('what geartrain dead refuses', { concurrency: 2 }, () => {
  const rows: readonly [args: readonly string[], sentence: string][] = [
    [['retry'], 'which jobs? Name their handles, or say --function, --reason or --all'],
    [['retry', 'H:x:1', '--all'], 'it is either handles or --function, --reason, --all'],
    [['delete', '--all', '--function', 'f'], '--all goes without --function and --reason'],
    [['retry', '--all', '--payload', 'x'], 'another payload is for one job: name its handle alone'],
    [
      ['retry', 'H:x:1', '--payload', 'x', '--payload-file', 'y'],
      'the payload is given twice: with --payload and with --payload-file',
    ],
    [['list', '--all', '--limit', '3'], "option '-n, --limit <n>' cannot be used with option '--all'"],
  ]
  for (const [args, sentence] of rows) {
    it(args.join(' '), async () => {
      const { code, stdout, stderr } = await geartrain(['dead', ...args])
      assert.deepEqual([code, stdout, stderr], [2, '', `geartrain dead: ${sentence}\n`])
    })
  }
})

describe('the table of dead jobs', () => {
  const now = Date.parse('2030-01-31T12:00:00Z')
  const job: DeadJob = {
    handle: 'H:a:1',
    function: 'two words',
    unique: '',
    priority: 'normal',
    reason: 'timeout',
    diedAt: now - 7_300_000,
    attempts: 12,
    error: 'the first line\r\n\tand the\u001b[31m second one',
  }
  const columns = [...deadColumns(now), errorColumn]

  it('where there is room', () => {
    assert.deepEqual(formatTable([job, { ...job, error: '', reason: 'expired', attempts: 0 }], columns), [
      'handle  function     died    attempts  reason   last error',
      'H:a:1   "two words"  2h ago        12  timeout  the first line and the\ufffd[31m second one',
      'H:a:1   "two words"  2h ago         0  expired  -',
    ])
  })

  it('cut to a width, as long as that leaves something', () => {
    const [, wide] = formatTable([job], columns, 60)
    assert.equal(wide, 'H:a:1   "two words"  2h ago        12  timeout  the first l…')
    const [, narrow] = formatTable([job], columns, 20)
    assert.equal(narrow, 'H:a:1   "two words"  2h ago        12  timeout  the first…')
  })
})
