import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { version } from '@geartrain/server'
import { missing } from '../support/peers.ts'
import { geartrain, scratch } from './command.ts'

// What `geartrain gearmand` takes and refuses. Where C gearmand is installed, it is asked the same.

type Row = {
  readonly args: string
  readonly code: 0 | 1
  /** What is on stderr, after the name of the command. */
  readonly sentence?: string
  /** Why C gearmand, 1.1 as Debian has it, ends with another code. */
  readonly differs?: string
}

const long = 'x'.repeat(64)
const outOfRange = 'gearmand 2.0 refuses it, 1.1 does not'

const checked: readonly Row[] = [
  { args: '', code: 0 },
  { args: '-b 10', code: 0 },
  { args: '--backlog=10', code: 0 },
  { args: '-d', code: 0 },
  { args: '--daemon', code: 0 },
  { args: '--exceptions', code: 0 },
  { args: '-f 10', code: 0 },
  { args: '--file-descriptors=10', code: 0 },
  { args: '-h', code: 0 },
  { args: '--help', code: 0 },
  { args: '-j 6', code: 0 },
  { args: '-j -1', code: 0 },
  { args: '--job-retries=4', code: 0 },
  { args: '--job-handle-prefix=own', code: 0 },
  { args: '--hashtable-buckets=2000', code: 0 },
  { args: '--keepalive --keepalive-idle=10 --keepalive-interval 3 --keepalive-count=-1', code: 0 },
  { args: '-l log', code: 0 },
  { args: '--log-file=stderr', code: 0 },
  { args: '-L 10', code: 0 },
  { args: '--listen=localhost', code: 0 },
  { args: '-p 10', code: 0 },
  { args: '-p4731', code: 0 },
  { args: '--port=10', code: 0 },
  { args: '-P pid', code: 0 },
  { args: '--pid-file=pid', code: 0 },
  { args: '-R', code: 0 },
  { args: '-dRp 4731', code: 0 },
  { args: '--round-robin', code: 0 },
  { args: '-q builtin', code: 0 },
  { args: '--queue-type=BuiltIn', code: 0 },
  { args: '--syslog', code: 0 },
  { args: '--coredump', code: 0 },
  { args: '-t 8', code: 0 },
  { args: '--threads=0', code: 0 },
  { args: '-u nobody', code: 0 },
  { args: '--user=nobody', code: 0 },
  { args: '-V', code: 0 },
  { args: '--version', code: 0 },
  { args: '-w 4', code: 0 },
  { args: '--worker-wakeup=0', code: 0 },
  { args: '--http-port=8090', code: 0 },
  { args: '-r http', code: 0 },
  { args: '--protocol=HTTP --http-port=8090', code: 0 },
  { args: '--ssl', code: 0 },
  { args: '--ssl-ca-file=a --ssl-certificate=b --ssl-key=c', code: 0 },
  { args: '--libsqlite3-db=x --libsqlite3-table=y --store-queue-on-shutdown', code: 0 },
  { args: '--libmemcached-servers=x --libmemcached-prefix=y', code: 0 },
  { args: '--redis-server=x --redis-port=1 --redis-password=y --redis-prefix=z', code: 0 },
  { args: '--libpq-conninfo=x --libpq-table=y', code: 0 },
  { args: '--mysql-host=a --mysql-port=1 --mysql-user=b --mysql-password=c --mysql-db=d --mysql-table=e', code: 0 },
  ...['FATAL', 'ALERT', 'CRITICAL', 'ERROR', 'WARNING', 'NOTICE', 'INFO', 'DEBUG'].map(
    (level): Row => ({ args: `--verbose=${level}`, code: 0 }),
  ),
  { args: '--', code: 0 },

  // What this version does not have: a check says so, and passes as it does in gearmand.
  {
    args: '-q redis',
    code: 0,
    sentence: 'queue type redis is not built in this version: builtin keeps jobs in memory, libsqlite3 in a file',
  },
  { args: '-q libsqlite3', code: 0, sentence: '-q libsqlite3 needs a file: name it with --libsqlite3-db' },
  { args: '-q LibSQLite3 --libsqlite3-db=x --libsqlite3-table=y --store-queue-on-shutdown', code: 0 },

  { args: 'foo', code: 1, sentence: '"foo" is no flag, and gearmand takes flags only' },
  { args: '-- foo', code: 1, sentence: '"foo" is no flag, and gearmand takes flags only' },
  { args: '--log', code: 1, sentence: 'there is no flag --log; -h shows all of them' },
  { args: '--PORT=3', code: 1, sentence: 'there is no flag --PORT=3; -h shows all of them' },
  { args: '-x', code: 1, sentence: 'there is no flag -x; -h shows all of them' },
  { args: '-Rx', code: 1, sentence: 'there is no flag -x; -h shows all of them' },
  {
    args: '-v',
    code: 1,
    sentence: '-v is no flag of gearmand any more: say --verbose and a level, such as --verbose INFO',
  },
  {
    args: '-vvv',
    code: 1,
    sentence: '-v is no flag of gearmand any more: say --verbose and a level, such as --verbose INFO',
  },
  { args: '--daemon=yes', code: 1, sentence: 'there is no flag --daemon=yes; -h shows all of them' },
  { args: '--port', code: 1, sentence: "option '-p, --port <n>' argument missing" },
  { args: '--config-file', code: 1, sentence: "option '--config-file <file>' argument missing" },
  { args: '-p 1 --port=2', code: 1, sentence: '--port may be given only once' },
  { args: '-d -d', code: 1, sentence: '--daemon may be given only once' },
  {
    args: '--verbose=info',
    code: 1,
    sentence: '--verbose must be one of FATAL, ALERT, CRITICAL, ERROR, WARNING, NOTICE, INFO, DEBUG, not "info"',
  },
  { args: '-j abc', code: 1, sentence: '--job-retries must be a whole number from -1 to 255, not "abc"' },
  { args: '--job-retries=', code: 1, sentence: '--job-retries must be a whole number from -1 to 255, not ""' },
  { args: '-j 255', code: 0 },
  {
    args: '-j 256',
    code: 1,
    sentence: '--job-retries must be a whole number from -1 to 255, not "256"',
    differs: outOfRange,
  },
  {
    args: '-j -2',
    code: 1,
    sentence: '--job-retries must be a whole number from -1 to 255, not "-2"',
    differs: outOfRange,
  },
  { args: '-b abc', code: 1, sentence: '--backlog must be a whole number from -2147483648 to 4294967295, not "abc"' },
  {
    args: '-w abc',
    code: 1,
    sentence: '--worker-wakeup must be a whole number from -2147483648 to 4294967295, not "abc"',
  },
  { args: '-t abc', code: 1, sentence: '--threads must be a whole number from -2147483648 to 4294967295, not "abc"' },
  {
    args: '-f abc',
    code: 1,
    sentence: '--file-descriptors must be a whole number from -2147483648 to 4294967295, not "abc"',
  },
  {
    args: '--hashtable-buckets=0',
    code: 1,
    sentence: '--hashtable-buckets must be a whole number from 1 to 4294967295, not "0"',
  },
  {
    args: '-p abc',
    code: 1,
    sentence: '--port must be a whole number from 0 to 65535, not "abc"',
    differs: 'gearmand looks for a service of that name when it starts',
  },
  {
    args: '-p 65536',
    code: 1,
    sentence: '--port must be a whole number from 0 to 65535, not "65536"',
    differs: 'gearmand listens on what is left of the number in 16 bits',
  },
  { args: `--job-handle-prefix=${long.slice(1)}`, code: 0 },
  {
    args: `--job-handle-prefix=${long}`,
    code: 1,
    sentence: '--job-handle-prefix may have at most 63 bytes',
    differs: 'gearmand finds out when it starts',
  },
  {
    args: '--config-file=/nowhere/gearmand.conf',
    code: 1,
    sentence: 'cannot read the configuration file /nowhere/gearmand.conf',
  },
]

describe('gearmand --check-args', { concurrency: 2 }, () => {
  for (const { args, code, sentence, differs } of checked) {
    test(`${args || 'alone'}: ${code}`, async () => {
      const words = ['--check-args', ...args.split(' ').filter((word) => word !== '')]
      assert.deepEqual(await geartrain(['gearmand', ...words]), {
        code,
        signal: null,
        stdout: '',
        stderr: sentence === undefined ? '' : `geartrain gearmand: ${sentence}\n`,
      })
      if (missing('gearmand') !== undefined || differs !== undefined) return
      assert.equal(spawnSync('gearmand', words).status, code, 'the exit code of C gearmand')
    })
  }

  test('C gearmand was asked as well', (t) => {
    const reason = missing('gearmand')
    if (reason !== undefined) t.skip(reason)
  })
})

describe('gearmand ends with 1 and a sentence', { concurrency: 2 }, () => {
  const rows: readonly [args: string, sentence: string][] = [
    ...['redis', 'MySQL', 'Postgres'].map((type): [string, string] => [
      `-q ${type}`,
      `queue type ${type.toLowerCase()} is not built in this version: builtin keeps jobs in memory, libsqlite3 in a file`,
    ]),
    ['-q paper', 'there is no queue type "paper": builtin keeps jobs in memory, libsqlite3 in a file'],
    ['-q libsqlite3', '-q libsqlite3 needs a file: name it with --libsqlite3-db'],
    ['-q libsqlite3 --libsqlite3-db=', '-q libsqlite3 needs a file: name it with --libsqlite3-db'],
    [
      '-q libsqlite3 --libsqlite3-db=/nowhere/queue.db -p 0 -l none',
      "/nowhere/queue.db can't be opened: there is no directory /nowhere; make it, or name another file",
    ],
    ['-r http --http-port=web', '--http-port must be a whole number from 0 to 65535, not "web"'],
    ['-r http --http-port=65536', '--http-port must be a whole number from 0 to 65535, not "65536"'],
    ['-r smtp', 'there is no protocol "smtp": http is the only one'],
    ['--ssl -l none', 'cannot read /etc/ssl/certs/gearmand.pem (tls-cert): no such file or directory'],
    ['-P /nowhere/pid -l stderr -p 0', 'cannot write the pid file /nowhere/pid: no such file or directory'],
    [
      '-L 192.0.2.1 -p 0 -l none',
      'this machine does not have the address 192.0.2.1: choose one of its own with --listen',
    ],
  ]
  for (const [args, sentence] of rows) {
    test(args, async () => {
      using directory = scratch()
      const words = args.includes('-P') ? args.split(' ') : [...args.split(' '), '-P', directory.path('pid')]
      assert.deepEqual(await geartrain(['gearmand', ...words]), {
        code: 1,
        signal: null,
        stdout: '',
        stderr: `geartrain gearmand: ${sentence}\n`,
      })
    })
  }

  test('-u of a user that is not there, or without root', async () => {
    const { code, stderr } = await geartrain(['gearmand', '-u', 'no-such-user', '-p', '0'])
    const sentence =
      process.getuid?.() === 0
        ? 'there is no user no-such-user'
        : 'only root can become the user no-such-user: leave out --user'
    assert.deepEqual({ code, stderr }, { code: 1, stderr: `geartrain gearmand: ${sentence}\n` })
  })

  for (const [variable, text, sentence] of [
    ['GEARMAND_PORT', 'abc', 'GEARMAND_PORT must be a whole number from 0 to 65535, not "abc"'],
    ['GEARMAND_PORT', '65536', 'GEARMAND_PORT must be a whole number from 0 to 65535, not "65536"'],
    ['GEARTRAIN_CONNECTIONS_MAX', '0', 'GEARTRAIN_CONNECTIONS_MAX must be a whole number from 1 to 10000000, not "0"'],
  ] as const) {
    test(`${variable}=${text}`, async () => {
      const { code, stderr } = await geartrain(['gearmand'], { env: { [variable]: text } })
      assert.deepEqual({ code, stderr }, { code: 1, stderr: `geartrain gearmand: ${sentence}\n` })
    })
  }
})

// The file's text, and what becomes of `--check-args` with it.
const files: readonly [text: string, code: 0 | 1, sentence?: string][] = [
  ['', 0],
  ['--port=4799\n--verbose INFO\n', 0],
  ['-p 4799 -d\r\n--exceptions', 0],
  ['--port\n\n   4799   -R', 0],
  ['# comment\nwords\n--port=4799', 0],
  ['port=4799', 0],
  ['--config-file=other.conf', 0],
  ['--port=4799 --bogus', 1, 'there is no flag --bogus; -h shows all of them'],
  ['--port=1 --port=2', 1, '--port may be given only once'],
  ['--port', 1, "option '-p, --port <n>' argument missing"],
]

describe('gearmand --config-file', { concurrency: 2 }, () => {
  for (const [text, code, sentence] of files) {
    test(`${JSON.stringify(text)}: ${code}`, async () => {
      using directory = scratch()
      const file = directory.path('gearmand.conf')
      writeFileSync(file, text)
      const words = ['--check-args', `--config-file=${file}`]
      const ended = await geartrain(['gearmand', ...words])
      assert.equal(ended.stderr, sentence === undefined ? '' : `geartrain gearmand: ${file}: ${sentence}\n`)
      assert.equal(ended.code, code)
      if (missing('gearmand') === undefined) assert.equal(spawnSync('gearmand', words).status, code)
    })
  }

  test('the command line wins', async () => {
    using directory = scratch()
    const file = directory.path('gearmand.conf')
    writeFileSync(file, '--verbose=BAD')
    const words = ['gearmand', '--check-args', '--config-file', file]
    assert.equal((await geartrain(words)).code, 1)
    assert.equal((await geartrain([...words, '--verbose=INFO'])).code, 0)
  })
})

test('gearmand -V', async () => {
  const { code, stdout, stderr } = await geartrain(['gearmand', '-V'])
  assert.match(stdout, new RegExp(`^\\ngeartrain gearmand ${version.replaceAll('.', '\\.')} - .*\\n$`))
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
})

test('gearmand -h shows the flags that C gearmand shows', async (t) => {
  const { code, stdout, stderr } = await geartrain(['gearmand', '-h'])
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
  assert.doesNotMatch(stdout, /check-args/)
  const reason = missing('gearmand')
  if (reason !== undefined) return t.skip(reason)
  const theirs = spawnSync('gearmand', ['--help'], { encoding: 'utf8' }).stdout
  const flags = [...theirs.matchAll(/^ {2}(?:-(\w) \[ --([\w-]+) \]|--([\w-]+))/gm)]
  assert.ok(flags.length > 40)
  for (const [, short, name, longOnly] of flags) {
    assert.match(stdout, new RegExp(short === undefined ? `^  --${longOnly} ` : `^  -${short}, --${name} `, 'm'))
  }
})
