import assert from 'node:assert/strict'
import { connect, PACKET } from '../support/raw.ts'
import { type Pair, withPair } from './gearman-pair.ts'

const at = ['-h', '127.0.0.1', '-p', 'PORT']

type Row = {
  readonly args: readonly string[]
  readonly code?: number
  /** Of the C tool, if another. */
  readonly codeOfC?: number
  /** Undefined: whatever the C tool prints. */
  readonly stdout?: string
  /** What ours says there; where the server has refused, the C tool says the same. */
  readonly stderr?: string | RegExp
}

const refused = { code: 1, codeOfC: 0, stdout: '' }
const wrong = { code: 1, stdout: '' }

// One after the other: each sees what those before it have done.
const rows: readonly Row[] = [
  ...[
    '--status',
    '--priority-status',
    '--workers',
    '--show-jobs',
    '--show-unique-jobs',
    '--getpid',
    '--server-version',
    '--server-verbose',
  ].map((flag): Row => ({ args: [...at, flag] })),
  {
    args: [...at, '--status', '--show-jobs', '--getpid', '--workers', '--show-unique-jobs', '--priority-status'],
  },
  { args: [...at, '--server-version', '--server-verbose', '--status'] },
  { args: [...at, '--priority'] },
  { args: [...at, '--show-j', '--work'] },
  { args: ['--host=127.0.0.1', '--port=PORT', '--getpid'] },
  { args: ['-h127.0.0.1', '-pPORT', '--getpid'] },
  { args: ['-p', 'PORT', '--getpid'] },
  { args: [...at, 'ignored', '--getpid'] },
  { args: [...at, '--create-function', 'new'], stdout: 'OK\n' },
  { args: [...at, '--create-function=new', '--drop-function=new'], stdout: 'OK\nOK\n' },
  { args: [...at, '--drop-function', 'absent'], ...refused, stderr: 'Error: function not found\n' },
  {
    args: [...at, '--drop-function', 'busy'],
    ...refused,
    stderr: 'Error: there are still connected workers or executing clients\n',
  },
  { args: [...at, '--cancel-job', 'H:absent:1'], ...refused, stderr: 'Error: UNKNOWN_JOB\n' },
  { args: [...at, '--cancel-job', '--getpid'], ...refused, stderr: 'Error: UNKNOWN_JOB\n' },
  { args: [...at, '--cancel-job', 'two words'], ...refused, stderr: 'Error: UNKNOWN_ERROR\n' },

  { args: at, ...wrong, stderr: 'geartrain gearadmin: nothing is asked: --help shows what can be\n' },
  {
    args: [...at, '--bogus'],
    ...wrong,
    stderr: 'geartrain gearadmin: there is no flag --bogus; --help shows all of them\n',
  },
  { args: [...at, '-x'], ...wrong, stderr: 'geartrain gearadmin: there is no flag -x; --help shows all of them\n' },
  {
    args: [...at, '--show'],
    ...wrong,
    stderr: 'geartrain gearadmin: --show may be --show-jobs or --show-unique-jobs\n',
  },
  { args: [...at, '--getpid', '--getpid'], ...wrong, stderr: 'geartrain gearadmin: --getpid may be given only once\n' },
  { args: [...at, '--drop-function'], ...wrong, stderr: /argument missing/ },
  { args: ['-h', '127.0.0.1', '-p', '1', '--getpid'], ...wrong, stderr: /nothing listens on 127\.0\.0\.1:1\n$/ },
  {
    args: ['-h', 'no-such-host.invalid', '--getpid'],
    ...wrong,
    stderr: /no address for the name no-such-host\.invalid/,
  },
  { args: ['-h', '127.0.0.1', '-p', 'x', '--getpid'], ...wrong, stderr: /must be a whole number/ },
  { args: [...at, '--create-function', 'one two three four five'], ...wrong, stderr: /has closed the connection/ },
]

/** Two waiting jobs, a running one and functions with and without workers. */
async function fill(pair: Pair): Promise<AsyncDisposable> {
  const peer = await connect(pair.server.port, 'peer')
  peer.send(PACKET.SET_CLIENT_ID, 'peer')
  peer.send(PACKET.CAN_DO, 'busy')
  peer.send(PACKET.SUBMIT_JOB_BG, 'busy', 'u1', 'x')
  peer.send(PACKET.SUBMIT_JOB_HIGH, 'busy', 'u2', 'x')
  peer.send(PACKET.SUBMIT_JOB_LOW_BG, 'waiting', 'u3', 'x')
  for (let n = 0; n < 3; n++) await peer.receive('JOB_CREATED')
  peer.send(PACKET.GRAB_JOB)
  await peer.receive('JOB_ASSIGN')
  return { [Symbol.asyncDispose]: () => peer.close() }
}

withPair(
  'gearadmin',
  (test, skipC) => {
    for (const { args, code = 0, codeOfC = code, stdout, stderr = '' } of rows) {
      test(`gearadmin ${args.join(' ')}: ${code}`, async (pair) => {
        const ours = await pair.run('ours', args)
        if (typeof stderr === 'string') assert.equal(ours.stderr, stderr)
        else assert.match(ours.stderr, stderr)
        assert.equal(ours.code, code)
        if (stdout !== undefined) assert.equal(ours.stdout, stdout)
        if (skipC !== undefined) return
        const c = await pair.run('c', args)
        assert.equal(c.code, codeOfC, 'the exit code of the C tool')
        // Where the flags are wrong it prints its help.
        if (code === 0 || codeOfC === 0) assert.equal(ours.stdout, c.stdout, 'the stdout of the C tool')
        if (code === 0 || codeOfC === 0) assert.equal(ours.stderr, c.stderr.replaceAll('\r', ''))
      })
    }

    test('a line end in a name is not sent (C: it is, as another command)', async (pair) => {
      const { code, stdout } = await pair.run('ours', [...at, '--create-function', 'a\r\nversion'])
      assert.deepEqual([code, stdout], [1, ''])
    })

    test('a list of megabytes', async (pair) => {
      const peer = await connect(pair.server.port, 'many')
      const name = 'x'.repeat(200)
      for (let n = 0; n < 2000; n++) peer.send(PACKET.SUBMIT_JOB, `${name}${n}`, '', '')
      for (let n = 0; n < 2000; n++) await peer.receive('JOB_CREATED')
      const ours = await pair.run('ours', [...at, '--status', '--getpid'])
      assert.deepEqual([ours.code, ours.stderr], [0, ''])
      const lines = ours.stdout.split('\n')
      assert.equal(lines.filter((line) => line.startsWith(name)).length, 2000)
      assert.deepEqual([lines[0], lines.slice(-2)], [String(pair.server.pid), ['.', '']])
      await peer.close()
    })

    test('--help prints the flags', async (pair) => {
      const { code, stdout, stderr } = await pair.run('ours', ['--help', '--getpid'])
      assert.deepEqual([code, stderr], [0, ''])
      assert.match(stdout, /^ {2}--cancel-job <handle> /m)
    })
  },
  fill,
  1,
)
