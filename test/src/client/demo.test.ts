import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import net from 'node:net'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Client } from '@geartrain/client'
import { repositoryRoot } from '../support/peers.ts'
import { signal } from './signal.ts'

const options = { timeout: 60_000 }
const usualPort = 4730

describe('geartrain demo', () => {
  // So that the port is taken, whoever has it.
  const taken = net.createServer()
  before(async () => {
    await new Promise<void>((resolve) => {
      taken.once('error', () => resolve())
      taken.listen(usualPort, '127.0.0.1', resolve)
    })
  })
  after(() => {
    taken.close()
  })

  it('--once: shows every kind of job with its answer, and ends well', options, async () => {
    const demo = new Demo(['--once'])
    assert.equal(await demo.exitCode(), 0, demo.output)
    assert.match(demo.output, /reverse "Hello World!" +!dlroW olleH +ok\n/)
    assert.match(demo.output, /Port 4730 is taken, so it is the next free one: \d+\.\n/)
    assert.doesNotMatch(demo.output, /WRONG/)
    assert.ok(!demo.output.includes('\u001b'), 'no colours where there is no terminal')
    assert.equal(demo.errors, '')
  })

  it('stays up, says what to type, shows the jobs that come, and ends at Ctrl-C', options, async () => {
    const demo = new Demo([])
    const [, port = ''] = await demo.until(/gearman -p (\d+) -f reverse "Hello".*\n[^]*serve.*\n/)
    assert.match(demo.output, new RegExp(`printf 'status\\\\n' \\| nc -w 1 127\\.0\\.0\\.1 ${port} `))
    const client = await Client.connect(`127.0.0.1:${port}`)
    assert.equal(await client.submit('reverse', 'Hello').text(), 'olleH')
    assert.equal(await client.submit('wc', 'a\nb\n').text(), '2\n')
    await client.close()
    await demo.until(/reverse +"Hello" -> "olleH"\n +wc +"a\\nb\\n" -> "2\\n"\n/)
    demo.interrupt()
    assert.equal(await demo.exitCode(), 0, demo.output)
    assert.equal(demo.errors, '')
  })
})

class Demo {
  output = ''
  errors = ''
  readonly #child: ChildProcess
  readonly #exited = signal<number | null>()
  #wake: () => void = () => {}

  constructor(args: readonly string[]) {
    const script = join(repositoryRoot, 'packages/cli/bin/geartrain.js')
    const child = spawn(process.execPath, [script, 'demo', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.on('data', (chunk) => {
      this.output += chunk
      this.#wake()
    })
    child.stderr.on('data', (chunk) => {
      this.errors += chunk
    })
    child.on('close', (code) => {
      this.#exited.give(code)
      this.#wake()
    })
    process.once('exit', () => child.kill('SIGKILL'))
    this.#child = child
  }

  exitCode(): Promise<number | null> {
    return this.#exited.given
  }

  interrupt(): void {
    this.#child.kill('SIGINT')
  }

  async until(expected: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = expected.exec(this.output)
      if (match !== null) return match
      if (this.#child.exitCode !== null) throw new Error(`it has ended: ${this.output}${this.errors}`)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}
