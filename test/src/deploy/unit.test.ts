import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { settingNames, settings } from '@geartrain/server'
import { repositoryRoot } from '../support/peers.ts'

const text = readFileSync(join(repositoryRoot, 'deploy/systemd/geartrain.service'), 'utf8')
/** The values of each key, in their order. */
const unit = new Map<string, string[]>()
for (const [, key = '', value = ''] of text.matchAll(/^(\w+)=(.*)$/gm)) unit.set(key, [...(unit.get(key) ?? []), value])
const only = (key: string) => {
  const values = unit.get(key) ?? []
  assert.equal(values.length, 1, key)
  return values[0] ?? ''
}

function missingAnalyze(): string | false {
  try {
    execFileSync('systemd-analyze', ['--version'], { stdio: 'ignore' })
    return false
  } catch {
    return 'systemd-analyze is not installed: apt-get install systemd'
  }
}

describe('deploy/systemd/geartrain.service', () => {
  it('runs a command that there is, with settings that there are', () => {
    const [command, subcommand, ...args] = only('ExecStart').split(' ')
    assert.deepEqual([command, subcommand], ['geartrain', 'serve'])
    const flags = args.filter((arg) => arg.startsWith('--')).map((arg) => arg.slice(2))
    assert.deepEqual(
      flags.filter((flag) => !settingNames.some((name) => name === flag)),
      [],
    )
    assert.equal(args.at(-1), 'sqlite:${STATE_DIRECTORY}/geartrain.db')
    assert.equal(only('StateDirectory'), 'geartrain')
  })

  it('is told of by systemd-notify, which is not the main process', () => {
    assert.equal(only('Type'), 'notify')
    assert.equal(only('NotifyAccess'), 'all')
    assert.equal(only('ExecReload'), '/bin/kill -HUP $MAINPID')
  })

  it('leaves the server more time to stop than it takes: its grace, its output and its store', () => {
    const seconds = /^(\d+)s$/.exec(only('TimeoutStopSec'))?.[1]
    assert.ok(Number(seconds) * 1000 >= settings.grace.default + 20_000)
  })

  it('lets Node do what it does', () => {
    assert.equal(unit.has('MemoryDenyWriteExecute'), false)
    assert.ok(only('RestrictAddressFamilies').split(' ').includes('AF_INET6'))
  })

  it('systemd finds nothing to complain of', { skip: missingAnalyze() }, () => {
    const directory = mkdtempSync(join(tmpdir(), 'geartrain-unit-'))
    try {
      const file = join(directory, 'geartrain.service')
      // The command need not be installed here.
      writeFileSync(file, text.replace('ExecStart=geartrain ', `ExecStart=${process.execPath} `))
      const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' })
      // It also reads the machine's own units.
      const complaints = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('geartrain'))
      assert.deepEqual(complaints, [])
      assert.equal(status, 0, stderr)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })
})
