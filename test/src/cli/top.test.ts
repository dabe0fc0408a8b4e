import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { FakeServer } from '../client/proxy.ts'
import { onServers, type SiteTest } from '../client/site.ts'
import { repositoryRoot } from '../support/peers.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { Command, geartrain, scratch, until } from './command.ts'
import { geartrainScript, missingTerminal, Terminal } from './terminal.ts'

// The real command, without a terminal and on one.

type Site = Parameters<SiteTest>[0]

const version = /^[\w.+~-]+$/
const enter = '\x1b[?1049h'
const leave = '\x1b[?1049l'
const red = '\x1b[31m'

/** Three jobs that nobody does, and one that runs while two wait. Gives the names of both functions. */
async function fill(site: Site): Promise<readonly [idle: string, busy: string]> {
  const [idle, busy] = [site.functionName(), site.functionName()]
  const client = await site.client()
  const running = new Promise<void>((resolve) => {
    const worker = site.worker({ clientId: 'the-worker' }).handle(busy, (job) => {
      resolve()
      return new Promise((_, reject) => job.signal.addEventListener('abort', () => reject(job.signal.reason)))
    })
    void worker.start()
  })
  for (const name of [idle, busy]) {
    await Promise.all([1, 2, 3].map((number) => client.submitBackground(name, String(number))))
  }
  await running
  return [idle, busy]
}

/** What the line of JSON says. */
async function outputLine(command: Command, index: number) {
  // The last part has no end yet.
  const line = await until(`there is line ${index}`, () => command.stdout.split('\n').slice(0, -1)[index])
  return JSON.parse(line)
}

onServers('geartrain top', (it) => {
  it('says in JSON what there is', async (site) => {
    const [idle, busy] = await fill(site)
    const args = [
      'top',
      '--once',
      '--json',
      '-s',
      site.address,
      '-i',
      '0.5',
      '--filter',
      idle.slice(0, -1),
      '--sort',
      'function',
    ]
    const { stdout, stderr, code } = await geartrain(args)
    assert.deepEqual({ stderr, code }, { stderr: '', code: 0 })
    const { time, servers, functions } = JSON.parse(stdout)
    assert.equal(new Date(time).toISOString(), time)
    assert.match(servers[0].version, version)
    assert.ok(servers[0].connections >= 3)
    const { version: _, connections: __, ...server } = servers[0]
    assert.deepEqual(server, { server: site.address, is_up: true, problem: null })
    const rest = { arrived_per_second: 0, ended_per_second: 0, still_seconds: 'some' }
    assert.deepEqual(
      functions.map((row: Record<string, unknown>) => ({ ...row, still_seconds: 'some' })),
      [
        { function: idle, queued: 3, running: 0, workers: 0, stuck: 'no workers', ...rest },
        { function: busy, queued: 2, running: 1, workers: 1, stuck: null, ...rest },
      ],
    )
  })

  it('goes on in JSON until nobody reads it, and sees jobs that end', async (site) => {
    const name = site.functionName()
    const client = await site.client()
    const handles = await Promise.all([1, 2, 3].map(() => client.submitBackground(name, '')))
    const command = site.keep(new Command(['top', '--json', '-i', '0.25', '--filter', name, '-s', site.address]))
    assert.equal((await outputLine(command, 0)).functions[0].queued, 3)
    await site
      .worker()
      .handle(name, () => 'done')
      .start()
    // In one frame, or in several.
    let ended = 0
    for (let i = 1; ended < handles.length - 0.5; i++) {
      const [before, line] = [await outputLine(command, i - 1), await outputLine(command, i)]
      ended += (line.functions[0].ended_per_second * (Date.parse(line.time) - Date.parse(before.time))) / 1000
    }
    assert.equal(Math.round(ended), handles.length)
  })

  it('sees a server go and come back', async (site) => {
    const name = site.functionName()
    const client = await site.client()
    await client.submitBackground(name, '')
    const first = await TcpProxy.to(site.server.port)
    const { address } = first
    const command = site.keep(new Command(['top', '--json', '-i', '0.25', '--filter', name, '-s', address]))
    let index = 0
    const upTo = async (isUp: boolean) => {
      for (;;) {
        const line = await outputLine(command, index++)
        if (line.servers[0].is_up === isUp) return line
      }
    }
    assert.equal((await upTo(true)).functions[0].queued, 1)
    await first[Symbol.asyncDispose]()
    const down = await upTo(false)
    assert.deepEqual(down.functions, [])
    assert.ok(down.servers[0].problem.includes(address), down.servers[0].problem)
    await using _second = await TcpProxy.to(site.server.port, Number(address.split(':')[1]))
    assert.equal((await upTo(true)).functions[0].queued, 1)
  })

  it('prints one frame where there is no terminal, and says so', async (site) => {
    const [idle, busy] = await fill(site)
    const { stdout, stderr, code } = await geartrain(['top', '-s', `${site.address},127.0.0.1:1`, '-i', '0.25'])
    assert.equal(stderr, 'geartrain top: this is no terminal to show it on: one frame, as with --once\n')
    // One server is down.
    assert.equal(code, 1)
    assert.ok(!stdout.includes('\x1b'))
    const lines = stdout.split('\n')
    assert.match(lines[0] ?? '', /^geartrain top {2}\d\d:\d\d:\d\d {2}every 0\.25 s {2}functions$/)
    assert.match(lines[1] ?? '', /^127\.0\.0\.1:1 +DOWN {2}nothing listens on 127\.0\.0\.1:1$/)
    assert.match(lines[2] ?? '', new RegExp(`^${site.address} +up +version \\S+, \\d+ connections$`))
    assert.ok(lines.some((line) => line.startsWith(idle) && /^ +3 +0 +0 .*no workers$/.test(line.slice(idle.length))))
    assert.ok(lines.some((line) => line.startsWith(busy) && /^ +2 +1 +1 /.test(line.slice(busy.length))))
  })

  it('shows it on a terminal, and leaves that as it was', async (site, t) => {
    const skip = missingTerminal()
    if (skip !== undefined) return t.skip(skip)
    const [idle, busy] = await fill(site)
    const terminal = site.keep(
      new Terminal([geartrainScript, 'top', '-s', site.address, '-i', '0.25'], { columns: 80, rows: 24 }),
    )
    const row = (name: string) => new RegExp(`^${name} .*`, 'm')
    const lines = await terminal.screen('the functions', (text) => row(idle).test(text) && row(busy).test(text))
    assert.equal(lines.length, 24)
    assert.match(lines.at(-1) ?? '', /^\? help {2}q quit/)
    assert.ok(terminal.output.startsWith(enter))
    assert.ok(terminal.output.includes(red))

    terminal.press('w')
    await terminal.screen('the workers', (text) => text.includes('the-worker') && text.includes('CLIENT ID'))
    terminal.press('j')
    await terminal.screen('the jobs', (text) => /^H:\S+ .* background$/m.test(text))
    terminal.press('f/')
    terminal.press(idle)
    await terminal.screen('one function', (text) => text.includes(`filter: ${idle}_`) && !row(busy).test(text))
    terminal.press('\x1b')
    await terminal.screen('both again', (text) => row(busy).test(text))
    terminal.resize(40, 8)
    await terminal.screen('all of it smaller', (_, all) => all.length === 8 && all.every((line) => line.length <= 40))
    terminal.press('p?')
    await terminal.screen('the help', (text) => text.includes('any key') || text.includes('f w j, Tab'))
    terminal.press('x')
    await terminal.screen('that it is paused', (text) => text.includes('FUNCTION'))
    assert.ok(!terminal.output.includes(leave))
    terminal.press('q')
    assert.equal(await terminal.ended(), 0)
    assert.ok(terminal.output.endsWith(leave))
  })
})

const endings: readonly [how: string, code: number, end: (terminal: Terminal) => Promise<void>][] = [
  ['Ctrl-C', 0, async (terminal) => terminal.press('\x03')],
  ...(['SIGHUP', 'SIGINT', 'SIGTERM'] as const).map((signal): (typeof endings)[number] => [
    signal,
    { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 }[signal],
    async (terminal) => void process.kill(await terminal.pid(), signal),
  ]),
]

for (const [how, code, end] of endings) {
  test(`the terminal is as it was after ${how}`, async (t) => {
    const skip = missingTerminal()
    if (skip !== undefined) return t.skip(skip)
    await using terminal = new Terminal([geartrainScript, 'top', '-s', '127.0.0.1:1'], { columns: 80, rows: 24 })
    await terminal.screen('that the server is down', (text) => text.includes('DOWN  nothing listens'))
    await end(terminal)
    assert.equal(await terminal.ended(), code)
    assert.ok(terminal.output.endsWith(leave))
  })
}

test('the terminal is as it was after a crash, and the error is to be read there', async (t) => {
  const skip = missingTerminal()
  if (skip !== undefined) return t.skip(skip)
  using directory = scratch()
  const program = directory.path('crash.mjs')
  const screen = pathToFileURL(`${repositoryRoot}packages/cli/dist/top/screen.js`).href
  writeFileSync(
    program,
    `import { Screen } from '${screen}'
     const nothing = () => {}
     new Screen(process.stdout, process.stdin, { onKey: nothing, onChange: nothing, onGone: nothing }).draw(['here'])
     setImmediate(() => { throw new Error('it crashed') })`,
  )
  await using terminal = new Terminal([program], { columns: 80, rows: 24 })
  assert.equal(await terminal.ended(), 1)
  const [before, after] = terminal.output.split(leave)
  assert.match(before ?? '', /here/)
  assert.match(after ?? '', /Error: it crashed/)
})

test('Ctrl-Z leaves the screen, and it is drawn again when it goes on', async (t) => {
  const skip = missingTerminal()
  if (skip !== undefined) return t.skip(skip)
  await using terminal = new Terminal([geartrainScript, 'top', '-s', '127.0.0.1:1'], { columns: 80, rows: 24 })
  const isDown = (text: string) => text.includes('DOWN  nothing listens')
  await terminal.screen('that the server is down', isDown)
  // Nobody here could make it go on, so the system does not stop it.
  terminal.press('\x1a')
  await terminal.screen('it again', () => terminal.output.split(enter).length === 3)
  assert.equal(terminal.output.split(leave).length, 2)
  terminal.press('q')
  assert.equal(await terminal.ended(), 0)
  assert.ok(terminal.output.endsWith(leave))
})

test('without colours if NO_COLOR is set', async (t) => {
  const skip = missingTerminal()
  if (skip !== undefined) return t.skip(skip)
  const env = { NO_COLOR: '1' }
  await using terminal = new Terminal([geartrainScript, 'top', '-s', '127.0.0.1:1'], { columns: 80, rows: 24, env })
  await terminal.screen('that the server is down', (text) => text.includes('DOWN  nothing listens'))
  terminal.press('q')
  assert.equal(await terminal.ended(), 0)
  assert.ok(!terminal.output.includes(red))
})

type Row = { readonly args: readonly string[]; readonly code: number; readonly sentence: RegExp }

const refused: readonly Row[] = [
  { args: ['resize'], code: 2, sentence: /^"resize" is no flag, and top takes flags only$/ },
  { args: ['-i', '0.1'], code: 2, sentence: /It must be a number of seconds from 0\.25 to 3600\.$/ },
  {
    args: ['--sort', 'size'],
    code: 2,
    sentence: /Allowed choices are queued, running, workers, in, out, still, function\.$/,
  },
  { args: ['-s', 'a:b'], code: 2, sentence: /is not a server/ },
  {
    args: ['--once', '-s', '127.0.0.1:1,127.0.0.1:2'],
    code: 4,
    sentence: /^nothing listens on 127\.0\.0\.1:1, nothing listens on 127\.0\.0\.1:2: start a server there /,
  },
]

for (const { args, code: expected, sentence } of refused) {
  test(`refused with one sentence: geartrain top ${args.join(' ')}`, async () => {
    const { code, stdout, stderr } = await geartrain(['top', ...args])
    assert.equal(stdout, '')
    assert.match(stderr, /^geartrain top: [^\n]+\n$/)
    assert.match(stderr.slice('geartrain top: '.length, -1), sentence)
    assert.equal(code, expected)
  })
}

test('what is no Gearman server is down', async () => {
  await using server = await FakeServer.start((socket) => socket.on('data', () => socket.write('HTTP/1.1 400\r\n\r\n')))
  const { code, stderr } = await geartrain(['top', '--once', '-s', server.address])
  assert.equal(code, 4)
  assert.match(stderr, /HTTP\/1\.1 400/)
})
