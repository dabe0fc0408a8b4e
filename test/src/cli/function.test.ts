import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { FunctionPolicy, FunctionState } from '@geartrain/client'
import { functionLines } from 'geartrain/dist/function/show.js'
import { onOwnServer } from '../client/site.ts'
import { freePort, missing, startServer } from '../support/peers.ts'
import { geartrain, scratch, startCommand, until } from './command.ts'
import { geartrainScript, missingTerminal, Terminal } from './terminal.ts'

// `geartrain function`: on a server of its own for each test.

describe('geartrain function', () => {
  it('set, show and list: what is set, where it comes from, and what there is', async (t) => {
    await onOwnServer('ours', t, async (site) => {
      const at = ['-s', site.address]
      const set = await geartrain(['function', 'set', 'mail.*', ...at, '--attempts', '5', 'backoff-first=10s'])
      assert.deepEqual(set, {
        code: 0,
        signal: null,
        stdout: 'mail.*: attempts = 5 (set for mail.*)\nmail.*: backoff-first = 10s (set for mail.*)\n',
        stderr: '',
      })
      const own = await geartrain(['function', 'set', 'mail.send', ...at, '--timeout', '1m', '--retry-foreground'])
      assert.deepEqual([own.code, own.stderr], [0, ''])
      await (await site.client()).submitBackground('mail.send', '', { priority: 'low' })

      const shown = await geartrain(['function', 'show', 'mail.send', ...at])
      assert.deepEqual(shown.stdout.split('\n'), [
        'function  mail.send',
        'ready     1 (0 high, 0 normal, 1 low)',
        'delayed   0',
        'running   0',
        'dead      0',
        'workers   0',
        'state     -',
        '',
        'setting           value  from',
        'attempts          5      set for mail.*',
        'backoff-first     10s    set for mail.*',
        'retry-foreground  true   set for mail.send',
        'timeout           1m     set for mail.send',
        '',
      ])
      const all = (await geartrain(['function', 'show', 'mail.send', '--all', ...at])).stdout
      assert.match(all, /^ttl +0 +default$/m)
      assert.match(all, /^timeout +1m +set for mail.send$/m)

      const unset = ['function', 'set', 'mail.send', ...at, '--unset', 'timeout', '--unset', 'retry-foreground']
      assert.deepEqual(
        (await geartrain(unset)).stdout,
        'mail.send: retry-foreground = false (default)\nmail.send: timeout = 0 (default)\n',
      )
      assert.deepEqual((await geartrain(['function', 'list', ...at])).stdout.split('\n'), [
        'function   ready  delayed  running  dead  workers  state',
        'mail.send      1        0        0     0        0  -',
        '',
      ])
      const [row] = JSON.parse((await geartrain(['function', 'list', '--json', 'mail.send', ...at])).stdout)
      assert.deepEqual([row.name, row.ready.low, row.server], ['mail.send', 1, site.address])
      assert.equal((await geartrain(['function', 'list', '--json', 'other', ...at])).stdout, '[]\n')
    })
  })

  it('a value that is wrong is refused with a sentence, and none is set', async (t) => {
    await onOwnServer('ours', t, async (site) => {
      const set = (...args: string[]) => geartrain(['function', 'set', 'f', '-s', site.address, ...args])
      const rows: readonly [args: string[], sentence: RegExp][] = [
        [['--timeout', '5m', '--concurrency', 'few'], /^geartrain function: f: concurrency must be .*, not "few"\n$/],
        [
          ['--timeout', '5m', 'timeot=1'],
          /^geartrain function: f: there is no setting "timeot"; did you mean "timeout"\?\n$/,
        ],
        [['timeout'], /^geartrain function: "timeout" is no setting: write KEY=VALUE, such as attempts=5\n$/],
        [['timeout=1s', '--unset', 'timeout'], /^geartrain function: timeout is given twice\n$/],
        [[], /^geartrain function: nothing is to be set: /],
      ]
      for (const [args, sentence] of rows) {
        const { code, stdout, stderr } = await set(...args)
        assert.deepEqual([code, stdout], [2, ''])
        assert.match(stderr, sentence)
      }
      const { stdout } = await geartrain(['function', 'show', 'f', '-s', site.address])
      assert.equal(stdout, 'function  f\n\nnothing is set: --all shows the defaults\n')
    })
  })

  it('pause and resume, drain and undrain; also against a pattern and the configuration file', async () => {
    using directory = scratch()
    const file = directory.path('geartrain.toml')
    writeFileSync(file, '[functions.slow]\npaused = true\n')
    await using server = await startCommand(['serve', '--port', '0', '--http', 'off', '--config', file])
    const at = ['-s', `127.0.0.1:${server.port}`]
    const say = async (...args: string[]) => (await geartrain(['function', ...args, ...at])).stdout
    const isSet = async (name: string, key: string) => {
      const [{ settings }] = JSON.parse(await say('show', name, '--all', '--json'))
      return settings.find((setting: { key: string }) => setting.key === key).value
    }
    assert.equal(await say('pause', 'mail.send', 'mail.*'), 'mail.send is paused\nmail.* is paused\n')
    assert.equal(await isSet('mail.other', 'paused'), 'true')
    // Taking its own pause back is not enough.
    assert.equal(await say('resume', 'mail.send'), 'mail.send is resumed\n')
    assert.deepEqual([await isSet('mail.send', 'paused'), await isSet('mail.other', 'paused')], ['false', 'true'])
    assert.equal(await say('resume', 'slow'), 'slow is resumed\n')
    assert.equal(await isSet('slow', 'paused'), 'false')

    assert.equal(await say('drain', 'full'), 'full takes no more jobs\n')
    const refused = await geartrain(['do', '-b', 'full', '', ...at])
    assert.equal(refused.code, 1)
    assert.equal(await say('undrain', 'full', '--json'), `[{"function":"full","draining":false,"server":"${at[1]}"}]\n`)
    assert.equal((await geartrain(['do', '-b', 'full', '', ...at])).code, 0)
    // It is as if nothing had been set.
    assert.equal(await isSet('full', 'draining'), 'false')
    assert.doesNotMatch(await say('show', 'full'), /draining/)
  })

  it('purge says how many, and without a terminal needs --yes', async (t) => {
    await onOwnServer('ours', t, async (site) => {
      const client = await site.client()
      await client.submitBackground('f', 'x')
      await client.submitBackground('f', 'x', { delayMs: 3_600_000 })
      await client.submitBackground('g', 'x')
      const purge = (...args: string[]) => geartrain(['function', 'purge', 'f', '-s', site.address, ...args])
      const sentence = 'this can not be taken back, and there is no terminal to ask on: say --yes'
      assert.deepEqual(await purge(), {
        code: 2,
        signal: null,
        stdout: '',
        stderr: `geartrain function: ${sentence}\n`,
      })
      assert.deepEqual(await purge('--yes'), { code: 0, signal: null, stdout: '2 jobs of f ended\n', stderr: '' })
      assert.equal((await purge('-y', '--json')).stdout, `[{"function":"f","purged":0,"server":"${site.address}"}]\n`)
      assert.match((await geartrain(['function', 'list', '-s', site.address])).stdout, /^g +1 /m)
    })
  })

  it('purge asks on a terminal', async (t) => {
    const skip = missingTerminal()
    if (skip !== undefined) return t.skip(skip)
    await onOwnServer('ours', t, async (site) => {
      await (await site.client()).submitBackground('f', 'x')
      const purge = async (answer: string) => {
        const args = [geartrainScript, 'function', 'purge', 'f', '-s', site.address]
        await using terminal = new Terminal(args, { columns: 80, rows: 24 })
        await until('it asks', () => (terminal.output.includes('End 1 job of f? [y/N] ') ? true : undefined))
        terminal.press(answer)
        return [await terminal.ended(), terminal.output.split('\r\n').at(-2)]
      }
      assert.deepEqual(await purge('\r'), [1, 'geartrain function: nothing was done'])
      assert.deepEqual(await purge('\u0004'), [1, 'geartrain function: nothing was done'])
      assert.deepEqual(await purge('yes\r'), [0, '1 job of f ended'])
    })
  })

  it('on several servers: all are asked and told, and each is named', async (t) => {
    await onOwnServer('ours', t, async (site) => {
      await using other = await startServer('ours')
      const servers = [site.address, `127.0.0.1:${other.port}`]
      const nowhere = `127.0.0.1:${await freePort()}`
      const paused = await geartrain(['function', 'pause', 'f', '-s', [...servers, nowhere].join()])
      assert.deepEqual(paused, {
        code: 1,
        signal: null,
        stdout: servers.map((server) => `f is paused on ${server}\n`).join(''),
        stderr:
          `geartrain function: nothing listens on ${nowhere}\n` +
          'geartrain function: there is no function f yet; see geartrain function list\n',
      })
      const shown = (await geartrain(['function', 'show', 'f', '-s', servers.join()])).stdout
      assert.deepEqual(
        shown.split('\n').filter((line) => line.startsWith('on ')),
        servers.map((server) => `on ${server}`),
      )
    })
  })

  it('a pattern where only the name of a function is understood', async (t) => {
    await onOwnServer('ours', t, async (site) => {
      const sentence = 'mail.* was taken for the name of one function: patterns are for settings'
      for (const args of [
        ['function', 'list', 'mail.*'],
        ['function', 'purge', 'mail.*', '--yes'],
        ['dead', 'list', 'mail.*'],
        ['dead', 'retry', '--function', 'mail.*'],
        ['dead', 'delete', '--function', 'mail.*', '--yes'],
      ]) {
        const { code, stderr } = await geartrain([...args, '-s', site.address])
        assert.deepEqual([code, stderr], [0, `geartrain ${args[0]}: ${sentence}\n`])
      }
    })
  })

  it('C gearmand is told to be another server', async (t) => {
    const skip = missing('gearmand')
    if (skip !== undefined) return t.skip(skip)
    await using gearmand = await startServer('gearmand')
    const at = `127.0.0.1:${gearmand.port}`
    for (const args of [
      ['function', 'list'],
      ['function', 'set', 'f', 'attempts=2'],
      ['dead', 'list'],
      ['job', 'show', 'H:x:1'],
      ['schedule', 'show', 'x'],
    ]) {
      const { code, stdout, stderr } = await geartrain([...args, '-s', at])
      const sentence = `${at} is another Gearman server, and this command needs a Geartrain server`
      assert.deepEqual([code, stdout, stderr], [1, '', `geartrain ${args[0]}: ${sentence}\n`])
    }
  })

  it('nobody is there', async () => {
    const at = `127.0.0.1:${await freePort()}`
    for (const args of [
      ['function', 'pause', 'f'],
      ['dead', 'retry', 'H:x:1'],
      ['job', 'result', 'H:x:1'],
      ['schedule', 'run', 'x'],
    ]) {
      const { code, stdout, stderr } = await geartrain([...args, '-s', at])
      const advice = 'start a server there (geartrain serve), or name another with --servers'
      assert.deepEqual([code, stdout, stderr], [4, '', `geartrain ${args[0]}: nothing listens on ${at}: ${advice}\n`])
    }
  })
})

describe('a function as geartrain function show tells of it', () => {
  const policy: FunctionPolicy = {
    name: 'mail\u001b[31m',
    settings: [
      { key: 'attempts', value: '5', source: 'geartrain.toml, line 12: [functions."mail.*"]', isDefault: false },
      { key: 'group-separator', value: ': ', source: 'set for mail', isDefault: false },
      { key: 'ttl', value: '0', source: 'default', isDefault: true },
      { key: 'then', value: '', source: 'default', isDefault: true },
    ],
  }
  const state: FunctionState = {
    name: 'mail',
    ready: { high: 1, normal: 2, low: 3 },
    delayed: 4,
    running: 5,
    dead: 6,
    workers: 7,
    oldestWaitMs: 8,
    paused: true,
    draining: true,
  }

  it('what is set', () => {
    assert.deepEqual(functionLines(policy, state, false), [
      'function  "mail\\u001b[31m"',
      'ready     6 (1 high, 2 normal, 3 low)',
      'delayed   4',
      'running   5',
      'dead      6',
      'workers   7',
      'state     paused, draining',
      '',
      'setting          value  from',
      'attempts         5      geartrain.toml, line 12: [functions."mail.*"]',
      'group-separator  ": "   set for mail',
    ])
  })

  it('all of it, of a pattern', () => {
    assert.deepEqual(functionLines({ ...policy, name: 'mail.*' }, undefined, true).slice(-3), [
      'group-separator  ": "   set for mail',
      'ttl              0      default',
      'then             ""     default',
    ])
  })
})
