import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { ScheduleState } from '@geartrain/client'
import { lastColumn, scheduleColumns } from 'geartrain/dist/schedule/list.js'
import { scheduleLines } from 'geartrain/dist/schedule/show.js'
import { formatTable } from 'geartrain/dist/table.js'
import { signal } from '../client/signal.ts'
import { onOwnServer } from '../client/site.ts'
import { startServer } from '../support/peers.ts'
import { geartrain, scratch, startCommand } from './command.ts'

// `geartrain schedule`: on a server of its own for each test.

describe('geartrain schedule', () => {
  it('add, list, show, pause, resume, run and remove', async (t) => {
    await onOwnServer('ours', t, async (site) => {
      const say = async (...args: string[]) => {
        const { code, stdout, stderr } = await geartrain(['schedule', ...args, '-s', site.address])
        assert.deepEqual([code, stderr], [0, ''])
        return stdout
      }
      const cron = ['--cron', '30 0 3 1 1 *', '--timezone', 'Europe/Berlin', '--no-overlap', '--missed', 'once']
      const added = await say('add', 'größe', 'report', 'the payload', ...cron, '--priority', 'low', '--then', 'mail')
      assert.match(added, /^größe: next in \d+[dh], \d{4}-01-01 03:00:30 Europe\/Berlin\n$/)
      assert.equal(await say('add', 'often', 'ping', '--every', '90m', '--unique', 'u', '--paused'), 'often: paused\n')
      const { at } = JSON.parse(await say('add', 'once', 'ping', '--at', '+2h', '--json'))
      assert.ok(Math.abs(Date.parse(at) - Date.now() - 7_200_000) < 60_000, at)

      const shown = (await say('show', 'größe', '--next', '2')).split('\n')
      assert.deepEqual(
        shown.map((line) => line.replace(/next in .*/, 'NEXT').replace(/^\d{4}(-\d\d-\d\d [\d:]+) +in .*$/, 'YYYY$1')),
        [
          'schedule  größe',
          'function  report',
          'when      30 0 3 1 1 * Europe/Berlin',
          'state     NEXT',
          'priority  low',
          'then      mail',
          'missed    once',
          'overlap   not while the last job has not ended',
          'from      set at runtime',
          '',
          'payload, 11 B',
          '  the payload',
          '',
          'next (Europe/Berlin)',
          'YYYY-01-01 03:00:30',
          'YYYY-01-01 03:00:30',
          '',
        ],
      )
      const handle = (await say('run', 'often')).trim()
      assert.match(handle, /^H:/)
      const begun = signal<string>()
      await site
        .worker()
        .handle('ping', (job) => begun.give(`${job.handle} ${job.unique}`))
        .start()
      assert.equal(await begun.given, `${handle} u`)
      assert.match(await say('resume', 'often'), /^resumed often: next in \d+m, /)
      assert.equal(await say('pause', 'often'), 'paused often\n')
      assert.match(await say('show', 'often'), new RegExp(` +submitted +${handle}\n$`))

      const rows = JSON.parse(await say('list', '--json'))
      assert.deepEqual(
        rows.map(({ name, paused, server }: ScheduleState & { server: string }) => [name, paused, server]),
        [
          ['größe', false, site.address],
          ['often', true, site.address],
          ['once', false, site.address],
        ],
      )
      assert.equal((await say('list', 'report')).split('\n').length, 3)
      assert.equal(await say('remove', 'often'), 'removed often\n')
      assert.equal(JSON.parse(await say('list', '--json', 'ping')).length, 1)
    })
  })

  it('add: a payload from stdin; a name that is taken only with --replace', async (t) => {
    await onOwnServer('ours', t, async (site) => {
      const add = (...args: string[]) =>
        geartrain(['schedule', 'add', 's', 'f', ...args, '-s', site.address], { input: 'of stdin' })
      const show = async () =>
        JSON.parse((await geartrain(['schedule', 'show', 's', '--json', '-s', site.address])).stdout)
      assert.equal((await add('-', '--every', '1h')).code, 0)
      assert.deepEqual((await show()).workload, { text: 'of stdin' })
      const taken = await add('--every', '2h')
      const sentence = 'there is a schedule s: --replace puts this one in its place'
      assert.deepEqual(taken, { code: 1, signal: null, stdout: '', stderr: `geartrain schedule: ${sentence}\n` })
      assert.equal((await add('--every', '2h', '--replace')).code, 0)
      const { every, workload } = await show()
      assert.deepEqual([every, workload], ['2h', undefined])
    })
  })

  it('add --at: by the clock here, that of a time zone, or from now', async (t) => {
    await onOwnServer('ours', t, async (site) => {
      const next = async (...args: string[]) => {
        const all = ['schedule', 'add', 's', 'f', '--replace', '--json', '-s', site.address, ...args]
        const { stdout } = await geartrain(all, { env: { TZ: 'America/New_York' } })
        return new Date(JSON.parse(stdout).next[0]).toISOString()
      }
      assert.equal(await next('--at', '2099-01-31T09:00'), '2099-01-31T14:00:00.000Z')
      assert.equal(await next('--at', '2099-01-31 09:00'), '2099-01-31T14:00:00.000Z')
      assert.equal(await next('--at', '2099-01-31'), '2099-01-31T05:00:00.000Z')
      assert.equal(await next('--at', '2099-01-31T09:00Z'), '2099-01-31T09:00:00.000Z')
      assert.equal(await next('--at', '2099-01-31 09:00', '--timezone', 'Asia/Tokyo'), '2099-01-31T00:00:00.000Z')
      const soon = Date.parse(await next('--at', '+1d', '--timezone', 'Asia/Tokyo'))
      assert.ok(Math.abs(soon - Date.now() - 86_400_000) < 60_000)
    })
  })

  it('what the server refuses is one sentence, and the exit code is that of usage', async (t) => {
    await onOwnServer('ours', t, async (site) => {
      const rows: readonly [args: readonly string[], sentence: RegExp][] = [
        [['--cron', '61 * * * *'], /cron has "61" as its minute: /],
        [['--every', '5'], /every must be a time with its unit, .* not "5"/],
        [['--at', 'tomorrow'], /at must be a date with a time, .* not "tomorrow"/],
        [['--every', '5m', '--timezone', 'Europe/Berln'], /timezone must be .*did you mean Europe\/Berlin\?/],
        [['--every', '5m', '--at', '+1h'], /a schedule has one of --cron, --every and --at/],
        [[], /a schedule has one of --cron, --every and --at/],
      ]
      for (const [args, sentence] of rows) {
        const { code, stdout, stderr } = await geartrain(['schedule', 'add', 's', 'f', ...args, '-s', site.address])
        assert.deepEqual([code, stdout], [2, ''])
        assert.match(stderr, new RegExp(`^geartrain schedule: ${sentence.source}.*\n$`))
      }
      for (const word of ['show', 'pause', 'resume', 'run', 'remove']) {
        const { code, stderr } = await geartrain(['schedule', word, 'nothing', '-s', site.address])
        assert.deepEqual([code, stderr], [1, 'geartrain schedule: there is no schedule "nothing"\n'])
      }
    })
  })

  it('one of the configuration file is removed only there', async () => {
    using directory = scratch()
    const file = directory.path('geartrain.toml')
    writeFileSync(file, '[schedules.nightly]\nfunction = "report"\ncron = "0 3 * * *"\n')
    await using server = await startCommand(['serve', '--port', '0', '--http', 'off', '--config', file])
    const at = ['-s', `127.0.0.1:${server.port}`]
    assert.match((await geartrain(['schedule', 'list', ...at])).stdout, /^nightly +report +0 3 \* \* \* .* config +-$/m)
    const again = await geartrain(['schedule', 'add', 'nightly', 'report', '--every', '1h', ...at])
    const sentence = 'there is a schedule nightly: it is from the configuration file, and is changed there'
    assert.deepEqual([again.code, again.stderr], [1, `geartrain schedule: ${sentence}\n`])
    const { code, stderr } = await geartrain(['schedule', 'remove', 'nightly', ...at])
    assert.equal(code, 1)
    assert.match(stderr, /^geartrain schedule: .*configuration file.*\n$/)
  })

  it('on several servers: add goes to the first, the others to the one that has it', async (t) => {
    await onOwnServer('ours', t, async (site) => {
      await using other = await startServer('ours')
      const address = `127.0.0.1:${other.port}`
      const [forth, back] = [`${site.address},${address}`, `${address},${site.address}`]
      const added = await geartrain(['schedule', 'add', 's', 'f', '--every', '1h', '-s', forth])
      assert.match(added.stdout, new RegExp(`^s on ${site.address}: next in `))
      assert.equal((await geartrain(['schedule', 'pause', 's', '-s', back])).stdout, `paused s on ${site.address}\n`)
      const list = JSON.parse((await geartrain(['schedule', 'list', '--json', '-s', back])).stdout)
      assert.deepEqual(
        list.map(({ server }: { server: string }) => server),
        [site.address],
      )
    })
  })
})

describe('schedules as they are shown', () => {
  const now = Date.parse('2030-03-30T12:00:00Z')
  const schedule: ScheduleState = {
    name: 'two words',
    function: 'f',
    cron: '30 2 * * *',
    timezone: 'Europe/Berlin',
    origin: 'client',
    paused: false,
    next: [Date.parse('2030-03-31T00:30:00Z'), Date.parse('2030-04-01T00:30:00Z')],
    history: [
      { dueAt: now - 60_000, at: now - 60_000, outcome: 'refused', why: 'the store\u001b is full' },
      { dueAt: now - 86_400_000, at: now - 86_399_000, outcome: 'submitted', handle: 'H:a:1' },
    ],
  }

  it('in a table', () => {
    const { cron: _, timezone: __, ...rest } = schedule
    const rows: ScheduleState[] = [
      schedule,
      { ...rest, name: 'b', every: '5m', paused: true, history: [] },
      { ...rest, name: 'c', at: '2030-01-31T09:00:00Z', next: [], origin: 'config' },
    ]
    assert.deepEqual(formatTable(rows, [...scheduleColumns(now), lastColumn(now)]), [
      'schedule     function  when                      next    from    last',
      '"two words"  f         30 2 * * * Europe/Berlin  in 12h  client  60s ago, refused',
      'b            f         every 5m                  paused  client  -',
      'c            f         at 2030-01-31T09:00:00Z   over    config  60s ago, refused',
    ])
  })

  it('one, with its times in its time zone, also where the clocks are changed', () => {
    assert.deepEqual(scheduleLines(schedule, now), [
      'schedule  "two words"',
      'function  f',
      'when      30 2 * * * Europe/Berlin',
      'state     next in 12h, 2030-03-31 01:30:00 Europe/Berlin',
      'priority  normal',
      'missed    skip',
      'overlap   allowed',
      'from      a client',
      '',
      'next (Europe/Berlin)',
      '2030-03-31 01:30:00   in 12h',
      '2030-04-01 02:30:00   in 36h',
      '',
      'due (Europe/Berlin)           outcome    job',
      '2030-03-30 12:59:00  60s ago  refused    the store\ufffd is full',
      '2030-03-29 13:00:00  24h ago  submitted  H:a:1',
    ])
  })
})
