import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { Access, type AccessOptions, type Credentials, hashToken, makeToken, readConfigFile } from '@geartrain/server'
import { scratch } from '../cli/command.ts'

const hash = hashToken('t')
const print = 'ab'.repeat(32)
const certificate = (subject: string) => ({ certificate: { subject, fingerprint256: print.toUpperCase() } })

describe('a rule lets in whoever fulfils all that it asks', () => {
  const rows: readonly [rule: object, peer: Partial<Credentials>, isLetIn: boolean][] = [
    [{}, {}, true],
    [{ token: hash }, {}, false],
    [{ token: hash }, { token: 't' }, true],
    [{ token: hash }, { token: 'T' }, false],
    [{ token: hash }, { token: hash }, false],
    [{ token: hash }, { tokenHash: hash }, true],
    [{ token: [hashToken('other'), hash] }, { token: 't' }, true],
    [{ network: '10.0.0.0/8' }, { address: '10.255.0.1' }, true],
    [{ network: '10.0.0.0/8' }, { address: '11.0.0.1' }, false],
    [{ network: '10.0.0.0/8' }, { address: '::ffff:10.1.2.3' }, true],
    [{ network: '::ffff:10.0.0.0/104' }, { address: '10.1.2.3' }, true],
    [{ network: '::ffff:10.0.0.0/104' }, { address: '11.1.2.3' }, false],
    [{ network: '10.1.2.3' }, { address: '10.1.2.3' }, true],
    [{ network: '10.1.2.3' }, { address: '10.1.2.4' }, false],
    [{ network: '10.9.9.9/8' }, { address: '10.1.2.3' }, true],
    [{ network: '0.0.0.0/0' }, { address: '1.2.3.4' }, true],
    [{ network: '0.0.0.0/0' }, { address: '2001:db8::1' }, false],
    [{ network: ['192.168.0.0/16', 'fd00::/8'] }, { address: 'fd12::1' }, true],
    [{ network: ['192.168.0.0/16', 'fd00::/8'] }, { address: 'fe80::1%eth0' }, false],
    [{ network: 'fe80::/10' }, { address: 'fe80::1%eth0' }, true],
    [{ network: '::/0' }, { address: '-' }, false],
    [{ certificate: 'web-*' }, {}, false],
    [{ certificate: 'web-*' }, certificate('web-7'), true],
    [{ certificate: 'web-*' }, certificate('db-7'), false],
    [{ certificate: '*' }, certificate(''), false],
    [{ certificate: ['db', `sha256:${print}`] }, certificate('whoever'), true],
    [{ certificate: `SHA256:${print.replaceAll(/..(?=.)/g, '$&:')}` }, certificate('whoever'), true],
    [{ certificate: `sha256:${'cd'.repeat(32)}` }, certificate('whoever'), false],
    [{ token: hash, network: '10.0.0.0/8' }, { token: 't', address: '11.0.0.1' }, false],
    [{ token: hash, network: '10.0.0.0/8' }, { address: '10.0.0.1' }, false],
    [
      { token: hash, network: '10.0.0.0/8', certificate: 'a' },
      { token: 't', address: '10.0.0.1', ...certificate('a') },
      true,
    ],
  ]
  for (const [rule, peer, isLetIn] of rows) {
    test(`${JSON.stringify(rule)} and ${JSON.stringify(peer)}`, () => {
      const access = new Access({ rule: { ...rule, roles: 'view' } })
      const actor = access.identify({ address: '203.0.113.7', ...peer })
      assert.equal(actor.mayAnywhere('view'), isLetIn)
      assert.equal(actor.name, isLetIn ? 'rule' : 'nobody')
    })
  }
})

describe('what rules allow', () => {
  const may = (options: AccessOptions, peer: Partial<Credentials> = {}) =>
    new Access(options).identify({ address: '127.0.0.1', ...peer })

  test('is all that those allow together which let someone in', () => {
    const actor = may(
      {
        mail: { token: hash, roles: ['submit', 'work'], functions: ['mail.*', 'sms'] },
        here: { network: '127.0.0.0/8', roles: 'view', functions: '*' },
        there: { network: '10.0.0.0/8', roles: 'admin' },
      },
      { token: 't' },
    )
    assert.equal(actor.name, 'mail, here')
    assert.deepEqual(
      [
        actor.may('submit', 'mail.send'),
        actor.may('work', 'sms'),
        actor.may('submit', 'smsx'),
        actor.may('submit', 'other'),
      ],
      [true, true, false, false],
    )
    assert.deepEqual(
      [actor.may('view', 'other'), actor.mayEverywhere('view'), actor.mayEverywhere('submit')],
      [true, true, false],
    )
    assert.deepEqual(
      [actor.mayAnywhere('submit'), actor.mayAnywhere('operate'), actor.mayAnywhere('admin')],
      [true, false, false],
    )
  })

  test('operate is view as well, and admin is all', () => {
    const operate = may({ rule: { roles: 'operate' } })
    assert.deepEqual([operate.mayEverywhere('view'), operate.mayEverywhere('submit')], [true, false])
    const admin = may({ rule: { roles: 'admin' } })
    assert.ok(['submit', 'work', 'view', 'operate'].every((role) => admin.mayEverywhere(role as 'work')))
  })

  test('a function whose name is not ASCII is as on the wire', () => {
    const actor = may({ rule: { roles: 'work', functions: 'größe.*' } })
    assert.ok(actor.may('work', Buffer.from('größe.x').toString('latin1')))
  })

  test('is remembered of no more functions than so many', () => {
    const actor = may({ rule: { roles: 'work', functions: 'a*' } })
    for (let i = 0; i < 5000; i++) assert.equal(actor.may('work', `${i % 2 === 0 ? 'a' : 'b'}${i}`), i % 2 === 0)
  })

  test('without rules is everything', () => {
    const access = new Access({})
    assert.ok(access.isOpen)
    assert.ok(access.identify({ address: '1.2.3.4' }).mayEverywhere('admin'))
  })
})

test('tokens are new each time, and of 256 bits', () => {
  const tokens = new Set(Array.from({ length: 100 }, makeToken))
  assert.equal(tokens.size, 100)
  for (const token of tokens) assert.match(token, /^gt_[\w-]{43}$/)
})

describe('a configuration file', () => {
  const wrong: [text: string, sentence: string][] = [
    [
      // Who is let in by two rules is called by both names, with a comma between.
      '[access."a, b"]\nroles = "submit"',
      'FILE, line 1: [access."a, b"]: a rule has a name for the log, without control characters, commas and *',
    ],
    ['[access]\ntoken = "x"', 'FILE, line 2: access has a table for each name: write [access.NAME] above its keys'],
    [
      '[access.ci]\ntokens = "x"\nroles = "submit"',
      'FILE, line 2: [access.ci]: there is no key "tokens"; did you mean "token"?',
    ],
    [
      '[access.ci]\nzebra = "x"',
      'FILE, line 2: [access.ci]: there is no key "zebra"; there are token, certificate, network, roles, functions',
    ],
    [
      '[access.ci]\nnetwork = "10.0.0.0/8"',
      'FILE, line 1: [access.ci]: "roles" is missing: some of submit, work, view, operate, admin, such as roles = ["submit"]',
    ],
    [
      '[access.ci]\nroles = "submitt"',
      'FILE, line 2: [access.ci]: roles: there is no role "submitt"; did you mean "submit"?',
    ],
    ['[access.ci]\nroles = []', 'FILE, line 2: [access.ci]: roles is an empty list: name one, or leave roles out'],
    ['[access.ci]\nroles = 3', 'FILE, line 2: [access.ci]: roles must be a text, or a list of texts'],
    [
      '[access.ci]\nroles = "submit"\n\ntoken = "gt_secret"',
      'FILE, line 4: [access.ci]: token must be "sha256:" and 64 hex digits, as geartrain token prints it: the hash of a token, never the token',
    ],
    [
      '[access."a b"]\nroles = "submit"\nnetwork = ["10.0.0.0/8", "10.0.0.0/33"]',
      'FILE, line 3: [access."a b"]: network must be a network such as 10.0.0.0/8 or fd00::/8, or an address, not "10.0.0.0/33"',
    ],
    [
      '[access.ci]\nroles = "submit"\nnetwork = "localhost"',
      'FILE, line 3: [access.ci]: network must be a network such as 10.0.0.0/8 or fd00::/8, or an address, not "localhost"',
    ],
    [
      '[access.ci]\nroles = "submit"\ncertificate = "sha256:abcd"',
      'FILE, line 3: [access.ci]: certificate must be a common name, or "sha256:" and the 64 hex digits of a fingerprint',
    ],
    [
      '[access.ci]\nroles = "submit"\nfunctions = [""]',
      'FILE, line 3: [access.ci]: functions must be a text, or a list of texts',
    ],
    [
      '[access.ci.main]\nroles = "submit"',
      'FILE, line 1: a name with a dot stands in quotes: write [access."ci.main"]',
    ],
    [
      '[access."*"]\nroles = "submit"',
      'FILE, line 1: [access."*"]: a rule has a name for the log, without control characters, commas and *',
    ],
  ]
  for (const name of ['nobody', 'anyone', 'server']) {
    wrong.push([
      `[access.${name}]\nroles = "submit"`,
      `FILE, line 1: [access.${name}]: "${name}" is what the log calls somebody else: give the rule another name`,
    ])
  }
  for (const [text, sentence] of wrong) {
    test(JSON.stringify(text), async () => {
      using directory = scratch()
      const file = directory.path('geartrain.toml')
      writeFileSync(file, text)
      await assert.rejects(readConfigFile(file), (error: Error) => {
        assert.equal(error.message.replaceAll(file, 'FILE'), sentence)
        return true
      })
    })
  }

  test('has rules', async () => {
    using directory = scratch()
    const file = directory.path('geartrain.toml')
    writeFileSync(file, `[access.ci]\ntoken = "${hash}"\nroles = ["submit", "view"]\nfunctions = "mail.*"`)
    const actor = new Access((await readConfigFile(file)).access).identify({ address: '-', token: 't' })
    assert.deepEqual([actor.name, actor.may('submit', 'mail.x'), actor.may('submit', 'x')], ['ci', true, false])
  })
})

test('the rules of a program are looked at as well', () => {
  const wrong = { ci: { roles: 'submit', tokn: 'x' } } as unknown as AccessOptions
  assert.throws(() => new Access(wrong), { message: 'access["ci"]: there is no key "tokn"; did you mean "token"?' })
})
