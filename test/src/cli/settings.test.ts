import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  defaultLimits,
  environmentName,
  type Given,
  limitSettings,
  Policies,
  policySettings,
  readConfigFile,
  readEnvironment,
  resolveSettings,
  type SettingName,
  SettingsError,
  type SettingValues,
  settingNames,
  settings,
  toServerOptions,
} from '@geartrain/server'
import { geartrain, scratch } from './command.ts'

test('every limit of the server can be set', () => {
  assert.deepEqual(toServerOptions(resolveSettings([])).limits, defaultLimits)
  const others = Object.fromEntries(Object.entries(defaultLimits).map(([name, value]) => [name, value + 1]))
  const values = { ...resolveSettings([]), ...limitSettings({ ...defaultLimits, ...others }) }
  assert.deepEqual(toServerOptions(values).limits, others)
})

// At each border: what is read, and undefined for what is refused.
const values: readonly [name: SettingName, text: string, value: string | number | boolean | undefined][] = [
  ['port', '0', 0],
  ['port', '65535', 65_535],
  ['port', '65536', undefined],
  ['port', '-1', undefined],
  ['port', '1.5', undefined],
  ['port', '0x10', undefined],
  ['port', '', undefined],
  ['grace', '0', 0],
  ['grace', '500ms', 500],
  ['grace', '10s', 10_000],
  ['grace', '5m', 300_000],
  ['grace', '24h', 86_400_000],
  ['grace', '1d', 86_400_000],
  ['grace', '2d', undefined],
  ['grace', '10', undefined],
  ['grace', '10 s', undefined],
  ['grace', '10S', undefined],
  ['packet-bytes-max', '1024', 1024],
  ['packet-bytes-max', '1023', undefined],
  ['packet-bytes-max', '1KiB', 1024],
  ['packet-bytes-max', '64MiB', 64 * 2 ** 20],
  ['packet-bytes-max', '1GiB', 2 ** 30],
  ['packet-bytes-max', '1073741825', undefined],
  ['packet-bytes-max', '1GB', 1e9],
  ['packet-bytes-max', '5MB', 5e6],
  ['packet-bytes-max', '5kB', 5000],
  ['packet-bytes-max', '5000B', 5000],
  ['packet-bytes-max', '5M', undefined],
  ['job-retries', '0', 0],
  ['job-retries', '255', 255],
  ['job-retries', '256', undefined],
  ['job-retries', '-1', Number.POSITIVE_INFINITY],
  ['job-retries', 'unlimited', Number.POSITIVE_INFINITY],
  ['worker-wakeup', '65535', 65_535],
  ['worker-wakeup', '65536', undefined],
  ['exceptions', 'true', true],
  ['exceptions', '1', true],
  ['exceptions', 'false', false],
  ['exceptions', '0', false],
  ['exceptions', 'perhaps', undefined],
  ['handle-prefix', 'x'.repeat(46), 'x'.repeat(46)],
  ['handle-prefix', 'x'.repeat(47), undefined],
  ['handle-prefix', 'a b', undefined],
  ['handle-prefix', '', undefined],
  ['listen', '*', '*'],
  ['listen', '', undefined],
  ['store', 'memory', 'memory'],
  ['store', 'sqlite:/var/lib/geartrain.db', 'sqlite:/var/lib/geartrain.db'],
  ['store', 'sqlite', undefined],
  ['store', 'sqlite:', undefined],
  ['log-level', 'silent', 'silent'],
  ['log-level', 'loud', undefined],
  ['connections-max', '1', 1],
  ['connections-max', '0', undefined],
]

for (const [name, text, value] of values) {
  test(`${name} "${text}" ${value === undefined ? 'is refused' : `is ${String(value)}`}`, () => {
    const source = new Map<SettingName, Given>([[name, { text, where: 'here' }]])
    if (value === undefined) {
      assert.throws(
        () => resolveSettings([source]),
        (error) => {
          assert.ok(error instanceof SettingsError)
          assert.equal(error.code, 'BAD_SETTING')
          assert.equal(error.message, `here must be ${settings[name].type.range}, not "${text}"`)
          return true
        },
      )
    } else assert.equal(resolveSettings([source])[name], value)
  })
}

const watched: readonly [text: string, servers: readonly string[] | undefined][] = [
  ['none', []],
  ['a', ['a:4730']],
  [' a:1 , [::1]:65535,2001:db8::1,a:1', ['a:1', '[::1]:65535', '[2001:db8::1]:4730']],
  ['a:0', undefined],
  ['a:65536', undefined],
  ['a:b', undefined],
  ['a b', undefined],
  ['http://a', undefined],
]

for (const [text, servers] of watched) {
  test(`watch "${text}" ${servers === undefined ? 'is refused' : `is ${servers.join(' ')}`}`, () => {
    const read = () => resolveSettings([new Map([['watch', { text, where: 'here' }]])]).watch
    if (servers !== undefined) assert.deepEqual(read(), servers)
    else assert.throws(read, new SettingsError(`here must be ${settings.watch.type.range}, not "${text}"`))
  })
}

/** Defaults that depend on the machine: their texts say in words where they come from. */
const machineDefaults: readonly SettingName[] = ['server-name', 'handle-prefix', 'jobs-max', 'workload-bytes-max']

test('a default is allowed, and its text means the same', () => {
  for (const name of settingNames) {
    if (machineDefaults.includes(name)) continue
    const given = new Map<SettingName, Given>([[name, { text: settings[name].defaultText, where: name }]])
    assert.equal(resolveSettings([given])[name], settings[name].default, name)
  }
})

const meanings: readonly [given: Partial<SettingValues>, option: string, value: string | number | boolean][] = [
  [{ 'job-retries': 0 }, 'attemptsMax', 1],
  [{ 'job-retries': 1 }, 'attemptsMax', 1],
  [{ 'job-retries': 3 }, 'attemptsMax', 3],
  [{}, 'attemptsMax', Number.POSITIVE_INFINITY],
  [{ 'worker-wakeup': 0 }, 'wakeCount', Number.POSITIVE_INFINITY],
  [{ 'worker-wakeup': 7 }, 'wakeCount', 7],
  [{ 'keepalive-idle': 5000 }, 'keepAliveIdleMs', 5000],
  [{ keepalive: false }, 'keepAlive', false],
  [{ 'log-level': 'warn' }, 'verbose', 'WARNING'],
  [{ 'log-level': 'silent' }, 'verbose', 'FATAL'],
]

for (const [given, option, value] of meanings) {
  test(`${JSON.stringify(given)} is ${option} ${String(value)}`, () => {
    const options = Object.entries(toServerOptions(resolveSettings([], given)))
    assert.equal(options.find(([name]) => name === option)?.[1], value)
  })
}

test('the first source that gives a setting decides', () => {
  const source = (text: string) => new Map<SettingName, Given>([['port', { text, where: 'port' }]])
  assert.equal(resolveSettings([source('1'), source('2'), source('3')], { port: 4 }).port, 1)
  assert.equal(resolveSettings([new Map(), source('2'), source('3')], { port: 4 }).port, 2)
  assert.equal(resolveSettings([new Map(), new Map(), source('3')], { port: 4 }).port, 3)
  assert.equal(resolveSettings([new Map(), new Map(), new Map()], { port: 4 }).port, 4)
  assert.equal(resolveSettings([]).port, 4730)
})

test('a wrong value is an error in a source that does not decide, too', () => {
  const right = new Map<SettingName, Given>([['port', { text: '1', where: '--port' }]])
  const wrong = new Map<SettingName, Given>([['port', { text: 'x', where: 'GEARTRAIN_PORT' }]])
  assert.throws(() => resolveSettings([right, wrong]), /^SettingsError: GEARTRAIN_PORT must be/)
})

test('every setting is a variable and a key', async () => {
  using directory = scratch()
  const file = directory.path('all.toml')
  const isLimit = (name: SettingName) => Object.hasOwn(limitSettings(defaultLimits), name)
  const line = (name: SettingName) => `${name} = "${settings[name].defaultText}"\n`
  const atTop = settingNames.filter((name) => !isLimit(name)).map(line)
  const inLimits = settingNames.filter(isLimit).map(line)
  writeFileSync(file, `${atTop.join('')}[limits]\n${inLimits.join('')}`)
  assert.deepEqual([...(await readConfigFile(file)).source.keys()].sort(), [...settingNames].sort())

  const environment = Object.fromEntries(
    settingNames.map((name) => [environmentName(name), settings[name].defaultText]),
  )
  assert.deepEqual([...readEnvironment(environment).source.keys()].sort(), [...settingNames].sort())
  assert.equal(environmentName('packet-bytes-max'), 'GEARTRAIN_PACKET_BYTES_MAX')
})

const environments: readonly [environment: Record<string, string>, given: string[], notes: RegExp[]][] = [
  [{}, [], []],
  [{ GEARTRAIN_PORT: '' }, [], []],
  [{ PORT: '1', GEARMAN_PORT: '1' }, [], []],
  [{ GEARTRAIN_PORT: '17' }, ['port'], []],
  [{ GEARTRAIN_PORT: 'tcp://10.0.0.7:4730' }, [], [/^GEARTRAIN_PORT is ignored: .* Kubernetes/]],
  [{ GEARTRAIN_SERVICE_HOST: '10.0.0.7' }, [], []],
  [{ GEARTRAIN_CONFIG: 'x' }, [], []],
  [{ GEARTRAIN_LOGLEVEL: 'info' }, [], [/^GEARTRAIN_LOGLEVEL is ignored: did you mean GEARTRAIN_LOG_LEVEL\?$/]],
]

for (const [environment, given, notes] of environments) {
  test(`the environment ${JSON.stringify(environment)}`, () => {
    const read = readEnvironment(environment)
    assert.deepEqual([...read.source.keys()], given)
    assert.equal(read.notes.length, notes.length)
    for (const [index, note] of notes.entries()) assert.match(read.notes[index] ?? '', note)
  })
}

test('values of a file keep their meaning without quotes', async () => {
  using directory = scratch()
  const file = directory.path('some.toml')
  writeFileSync(file, 'port = 17\nexceptions = true\n"grace" = "1m"\nlimits.connections-max = 9\n')
  const { source } = await readConfigFile(file)
  const { port, exceptions, grace, 'connections-max': connectionsMax } = resolveSettings([source])
  assert.deepEqual([port, exceptions, grace, connectionsMax], [17, true, 60_000, 9])
})

// What the file says, and the sentence about it after the name of the file.
const refusedFiles: readonly [text: string, sentence: string][] = [
  ['prot = 3', ', line 1: there is no setting "prot"; did you mean "port"?'],
  ['\n\nlogLevel = "info"', ', line 3: there is no setting "logLevel"; did you mean "log-level"?'],
  ['colour = 3', ', line 1: there is no setting "colour"'],
  ['config = "x"', ', line 1: there is no setting "config"'],
  ['[log]\nlevel = "info"', ', line 1: there is no setting "log"'],
  ['[function."mail.*"]\nattempts = 5', ', line 1: there is no table "function"; did you mean [functions.NAME]?'],
  [
    '[limits]\npacket_bytes_max = 1',
    ', line 2: there is no setting "packet_bytes_max" in [limits]; did you mean "packet-bytes-max"?',
  ],
  [
    'packet-bytes-max = 1',
    ', line 1: there is no setting "packet-bytes-max"; did you mean "packet-bytes-max", in the table [limits]?',
  ],
  [
    'port = 1\n[limits]\nport = 1',
    ', line 3: there is no setting "port" in [limits]; did you mean "port", at the top of the file?',
  ],
  ['limits = 3', ', line 1: limits is a table: write [limits] above its keys'],
  ['port = [1]', ', line 1: port must be a whole number from 0 to 65535, and is none'],
  ['port = 2026-01-01', ', line 1: port must be a whole number from 0 to 65535, and is none'],
  ['port = ', ', line 1, column 8: invalid value'],
  ['port = 1\nport = 2', ', line 2, column 1: '],
  [
    '[functions.resize]\nttl = "1m"\nattempts = 0',
    ', line 3: attempts must be a whole number from 1 to 1000000, or "unlimited", or "off", not "0"',
  ],
  ['[functions.resize]\nttl = 10', `, line 2: ttl must be ${policySettings.ttl.type.range}, not "10"`],
  ['[functions.f]\npaused = [true]', ', line 2: paused must be "true" or "false", and is none'],
  [
    '[functions.f]\nretry-on = ["lost", 3]',
    `, line 2: retry-on must be ${policySettings['retry-on'].type.range}, not "lost,3"`,
  ],
  [
    '[functions]\n[functions."mail.*"]\nattemps = 3',
    ', line 3: there is no setting "attemps" in [functions."mail.*"]; did you mean "attempts"?',
  ],
  ["[functions.'mail.*']\ncolour = 3", ', line 2: there is no setting "colour" in [functions."mail.*"]'],
  ['functions."mail.*".attempts = "x"', `, line 1: attempts must be ${policySettings.attempts.type.range}, not "x"`],
  ['functions.f = { attempts = 3, rate = 0 }', `, line 1: rate must be ${policySettings.rate.type.range}, not "0"`],
  [
    '[functions.mail.send]\nattempts = 3',
    ', line 1: a name with a dot stands in quotes: write [functions."mail.send"]',
  ],
  ['functions = 3', ', line 1: functions has a table for each name: write [functions.NAME] above its keys'],
  ['[functions]\nresize = 3', ', line 2: functions has a table for each name: write [functions.NAME] above its keys'],
  ['[[functions.f]]\nttl = 0', ', line 1: functions has a table for each name: write [functions.NAME] above its keys'],
  ['schedules = 3', ', line 1: schedules has a table for each name: write [schedules.NAME] above its keys'],
  ['[functions."a\\nb"]\n', ', line 1: there is a control character in the name "a\\nb"'],
  ['[functions.""]\n', ', line 1: a function has a name, and this one is empty'],
  [`[functions.${'x'.repeat(513)}]`, ', line 1: the name of a function has at most 512 bytes, not 513'],
  ['[function.f]\n', ', line 1: there is no table "function"; did you mean [functions.NAME]?'],
]

for (const [text, sentence] of refusedFiles) {
  test(`the file ${JSON.stringify(text)} is refused`, async () => {
    using directory = scratch()
    const file = directory.path('bad.toml')
    writeFileSync(file, text)
    await assert.rejects(readConfigFile(file), (error) => {
      assert.ok(error instanceof SettingsError)
      const start = `${file}${sentence}`
      assert.equal(error.message.slice(0, sentence.endsWith(': ') ? start.length : undefined), start)
      assert.ok(!error.message.includes('\n'))
      return true
    })
  })
}

test('a file has policies and schedules by name', async () => {
  using directory = scratch()
  const file = directory.path('some.toml')
  writeFileSync(
    file,
    `port = 17
# A comment, and [functions.not] in it.
[functions."mail.*"]
attempts = 5
retry-on = ["failed", "lost"]

[functions]
resize = { concurrency = 2 }
"größe".rate = "30/m"

[schedules.nightly]
cron = "0 3 * * *"
`,
  )
  const { source, functions, schedules } = await readConfigFile(file)
  assert.deepEqual([...source.keys()], ['port'])
  const policies = new Policies(functions)
  assert.deepEqual(policies.names(), ['gr\xc3\xb6\xc3\x9fe', 'mail.*', 'resize'])
  const given = policies.names().flatMap((name) =>
    policies
      .show(name)
      .settings.filter(({ isDefault }) => !isDefault)
      .map(({ key, value, source }) => [key, value, source]),
  )
  assert.deepEqual(given, [
    ['rate', '0.5', `${file}, line 9: [functions."größe"]`],
    ['attempts', '5', `${file}, line 4: [functions."mail.*"]`],
    ['retry-on', 'failed,lost', `${file}, line 5: [functions."mail.*"]`],
    ['concurrency', '2', `${file}, line 8: [functions.resize]`],
  ])
  const nightly = schedules.get('nightly')
  assert.equal(nightly?.place, `${file}, line 11`)
  assert.deepEqual(nightly.entries.get('cron'), { place: `${file}, line 12`, value: '0 3 * * *' })
})

test('policies of a file go together', async () => {
  using directory = scratch()
  const file = directory.path('bad.toml')
  writeFileSync(file, '[functions."a*"]\nbackoff-first = "2m"\n[functions.ab]\nbackoff-max = "1m"\n')
  await assert.rejects(readConfigFile(file), {
    name: 'SettingsError',
    message:
      `ab: backoff-max must not be shorter than backoff-first: it is 1m (${file}, line 4: [functions.ab]), ` +
      `and backoff-first is 2m (${file}, line 2: [functions."a*"])`,
  })
})

test('a bad policy ends the start', async () => {
  using directory = scratch()
  const file = directory.path('bad.toml')
  writeFileSync(file, '[functions.f]\npriority = "urgent"\n')
  const { code, stdout, stderr } = await geartrain(['serve', '--config', file, '--store', 'memory', '--port', '0'])
  assert.deepEqual([code, stdout], [2, ''])
  assert.match(stderr, /bad\.toml, line 2: priority must be "high", "normal", "low" or "client", not "urgent"/)
  assert.equal(stderr.trim().split('\n').length, 1)
})
