import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, it } from 'node:test'
import { repositoryRoot } from '../support/peers.ts'

// What systemd is told, by the socket that it gives a unit with Type=notify. Python plays systemd: Node has no such sockets.

const listener = `
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("listening", flush=True)
while True:
    data, fds, flags, address = socket.recv_fds(s, 4096, 8)
    for line in data.decode().splitlines():
        print(line, flush=True)
    # systemd-notify waits until it is closed.
    for fd in fds: os.close(fd)
`

function lacking(): string | undefined {
  for (const [command, debianPackage] of [
    ['python3', 'python3'],
    ['systemd-notify', 'systemd'],
  ] as const) {
    try {
      execFileSync(command, ['--version'], { stdio: 'ignore' })
    } catch {
      return `${command} is not installed: apt-get install ${debianPackage}`
    }
  }
  return undefined
}

/** Lines of a stream, one after the other. */
class Lines {
  readonly #lines: string[] = []
  #wake: () => void = () => {}

  constructor(stream: NodeJS.ReadableStream) {
    createInterface({ input: stream }).on('line', (line) => {
      this.#lines.push(line)
      this.#wake()
    })
  }

  /** The next line that matches; those before it are passed over. */
  async find(pattern: RegExp): Promise<string> {
    for (;;) {
      for (let line = this.#lines.shift(); line !== undefined; line = this.#lines.shift()) {
        if (pattern.test(line)) return line
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}

interface Unit extends AsyncDisposable {
  readonly server: ChildProcess
  readonly told: Lines
  readonly log: Lines
}

async function startUnit(environment: Readonly<Record<string, string>> = {}): Promise<Unit> {
  const directory = mkdtempSync(join(tmpdir(), 'geartrain-notify-'))
  const socket = join(directory, 'notify')
  const systemd = spawn('python3', ['-c', listener, socket], { stdio: ['ignore', 'pipe', 'inherit'] })
  const told = new Lines(systemd.stdout)
  await told.find(/^listening$/)
  const script = join(repositoryRoot, 'packages/cli/bin/geartrain.js')
  const args = ['serve', '--port', '0', '--http', 'off', '--log-format', 'json', '--store', 'memory']
  const server = spawn(process.execPath, [script, ...args], {
    cwd: directory,
    env: { ...process.env, NOTIFY_SOCKET: socket, ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  return {
    server,
    told,
    log: new Lines(server.stderr),
    async [Symbol.asyncDispose]() {
      for (const child of [server, systemd]) {
        if (child.exitCode !== null || child.signalCode !== null) continue
        child.kill('SIGKILL')
        await once(child, 'exit')
      }
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

describe('geartrain serve under systemd', { timeout: 60_000 }, () => {
  const onSystemd = (name: string, run: () => Promise<void>): void => {
    it(name, { skip: lacking() ?? false }, run)
  }

  onSystemd('says when it is ready, when it has read anew and when it stops', async () => {
    await using unit = await startUnit()
    await unit.told.find(/^READY=1$/)
    assert.match(await unit.told.find(/^STATUS=/), /^STATUS=ready on 127\.0\.0\.1:\d+$/)
    unit.server.kill('SIGHUP')
    await unit.told.find(/^RELOADING=1$/)
    assert.match(await unit.told.find(/^MONOTONIC_USEC=/), /=\d+$/)
    await unit.told.find(/^READY=1$/)
    unit.server.kill('SIGTERM')
    await unit.told.find(/^STOPPING=1$/)
    assert.deepEqual(await once(unit.server, 'exit'), [0, null])
  })

  onSystemd('gives signs of life in half the time of the watchdog', async () => {
    await using unit = await startUnit({ WATCHDOG_USEC: '100000' })
    for (let i = 0; i < 3; i++) await unit.told.find(/^WATCHDOG=1$/)
  })

  onSystemd('gives none where the watchdog is for another process', async () => {
    await using unit = await startUnit({ WATCHDOG_USEC: '1000', WATCHDOG_PID: '1' })
    await unit.told.find(/^READY=1$/)
    unit.server.kill('SIGTERM')
    // Every line between the two is passed over but for one of the watchdog.
    assert.equal(await unit.told.find(/^(STOPPING|WATCHDOG)=1$/), 'STOPPING=1')
  })

  onSystemd('works without systemd-notify, and says in its log that systemd hears nothing', async () => {
    const bin = mkdtempSync(join(tmpdir(), 'geartrain-bin-'))
    try {
      symlinkSync(process.execPath, join(bin, 'node'))
      await using unit = await startUnit({ PATH: bin })
      const line: unknown = JSON.parse(await unit.log.find(/systemd/))
      assert.ok(typeof line === 'object' && line !== null && 'msg' in line && 'level' in line)
      assert.equal(line.level, 'warn')
      assert.match(String(line.msg), /^systemd is not told how the server is: systemd-notify does not work: /)
      unit.server.kill('SIGTERM')
      assert.deepEqual(await once(unit.server, 'exit'), [0, null])
    } finally {
      rmSync(bin, { recursive: true, force: true })
    }
  })
})
