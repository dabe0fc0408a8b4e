import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { interop, type Theatre } from './program.ts'

function gearman(theatre: Theatre, ...args: readonly string[]): readonly string[] {
  return ['gearman', '-h', '127.0.0.1', '-p', String(theatre.port), ...args]
}

/** Starts `gearman -w` and waits until the server knows it. */
async function startWorker(theatre: Theatre, name: string, ...args: readonly string[]) {
  const worker = theatre.start(gearman(theatre, '-w', '-f', name, ...args))
  await theatre.untilStatus(`${name}\t0\t0\t1`)
  return worker
}

interop('gearman, the command', ['gearman'], {
  'gearman -w -f wc -- wc -l, and gearman -f wc < /etc/passwd': async (theatre) => {
    await startWorker(theatre, 'wc', '--', 'wc', '-l')
    const passwd = readFileSync('/etc/passwd', 'latin1')
    const counted = passwd.split('\n').length - 1
    assert.equal(await theatre.output(gearman(theatre, '-f', 'wc'), passwd), `${counted}\n`)
    assert.equal(await theatre.output(gearman(theatre, '-f', 'wc'), passwd), `${counted}\n`)
  },

  'the worker may come after the client': async (theatre) => {
    const client = theatre.start(gearman(theatre, '-f', 'wc'))
    client.end('one\ntwo\n')
    await theatre.untilStatus('wc\t1\t0\t0')
    theatre.start(gearman(theatre, '-w', '-f', 'wc', '--', 'wc', '-l'))
    assert.equal((await client.ended()).stdout, '2\n')
  },

  'arguments, lines, no input, priorities, a unique': async (theatre) => {
    await startWorker(theatre, 'upper', '--', 'tr', 'a-z', 'A-Z')
    const rows: readonly (readonly [args: readonly string[], input: string, output: string])[] = [
      [['-f', 'upper', 'one', 'two', 'three'], '', 'ONETWOTHREE'],
      [['-n', '-f', 'upper'], 'a\nbb\nccc\n', 'A\nBB\nCCC\n'],
      [['-s', '-f', 'upper'], '', ''],
      [['-I', '-f', 'upper', 'high'], '', 'HIGH'],
      [['-L', '-f', 'upper', 'low'], '', 'LOW'],
      [['-u', 'mine', '-f', 'upper', 'unique'], '', 'UNIQUE'],
      [['-t', '10000', '-f', 'upper', 'in time'], '', 'IN TIME'],
    ]
    for (const [args, input, output] of rows) {
      assert.equal(await theatre.output(gearman(theatre, ...args), input), output, args.join(' '))
    }
  },

  'several functions: each gets the workload, -P says which one answered': async (theatre) => {
    await startWorker(theatre, 'upper', '--', 'tr', 'a-z', 'A-Z')
    await startWorker(theatre, 'size', '--', 'wc', '-c')
    const said = await theatre.output(gearman(theatre, '-P', '-f', 'upper', '-f', 'size', 'hello\n'))
    assert.deepEqual(said.trimEnd().split('\n').sort(), ['size: 6', 'upper: HELLO'])
  },

  'one worker with several functions': async (theatre) => {
    await startWorker(theatre, 'one', '-f', 'two', '--', 'tr', 'a-z', 'A-Z')
    await theatre.untilStatus('two\t0\t0\t1')
    assert.equal(await theatre.output(gearman(theatre, '-f', 'one', 'first')), 'FIRST')
    assert.equal(await theatre.output(gearman(theatre, '-f', 'two', 'second')), 'SECOND')
  },

  'gearman -b: the job is done later, -v prints its handle': async (theatre) => {
    assert.equal(await theatre.output(gearman(theatre, '-b', '-f', 'show', 'quiet job\n')), '')
    const said = await theatre.run(gearman(theatre, '-b', '-v', '-f', 'show', 'named job\n'))
    assert.equal(said.code, 0)
    assert.match(said.stdout + said.stderr, new RegExp(`Task created: H:${hostname()}:[1-9][0-9]*\n`))
    await theatre.untilStatus('show\t2\t0\t0')
    const worker = theatre.start(gearman(theatre, '-w', '-c', '2', '-f', 'show'))
    const { code, stdout } = await worker.ended()
    assert.deepEqual([code, stdout], [0, 'quiet job\nnamed job\n'])
    await theatre.untilStatus('show\t0\t0\t0')
  },

  'a command that fails: its output, then the failure': async (theatre) => {
    await startWorker(theatre, 'bad', '--', 'sh', '-c', 'echo half; exit 3')
    const { code, stdout, stderr } = await theatre.run(gearman(theatre, '-f', 'bad', 'x'))
    assert.deepEqual([code, stdout, stderr], [1, 'half\n', 'Job failed\n'])
  },

  'the server comes from GEARMAN_SERVER': async (theatre) => {
    await startWorker(theatre, 'upper', '--', 'tr', 'a-z', 'A-Z')
    const env = { GEARMAN_SERVER: `127.0.0.1:${theatre.port}` }
    assert.equal(await theatre.output(['gearman', '-f', 'upper', 'hello'], '', { env }), 'HELLO')
  },

  'a megabyte to a command, and a megabyte from one': async (theatre) => {
    await startWorker(theatre, 'size', '--', 'wc', '-c')
    await startWorker(theatre, 'many', '--', 'seq', '150000')
    assert.equal(await theatre.output(gearman(theatre, '-f', 'size'), 'abcdefg\n'.repeat(131072)), '1048576\n')
    const numbers = Array.from({ length: 150000 }, (_, n) => `${n + 1}\n`).join('')
    assert.equal(await theatre.output(gearman(theatre, '-s', '-f', 'many')), numbers)
  },
})
