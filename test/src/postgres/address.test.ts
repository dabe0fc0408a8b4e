import assert from 'node:assert/strict'
import { userInfo } from 'node:os'
import { suite, test } from 'node:test'
import { StoreError } from '@geartrain/server'
import { type Address, parseAddress, withoutPassword } from './store-parts.ts'

const user = userInfo().username
const local = [{ host: 'localhost', port: 5432 }]

/** What a URL says, and what of the address that is. */
const rows: readonly (readonly [url: string, expected: Partial<Address>, env?: Record<string, string>])[] = [
  [
    'postgres://',
    { hosts: local, user, database: user, password: undefined, sslMode: 'prefer', connectTimeoutMs: 5000 },
  ],
  ['postgresql://h', { hosts: [{ host: 'h', port: 5432 }], name: `postgres://${user}@h:5432/${user}` }],
  ['postgres://u:p@h:1/d', { hosts: [{ host: 'h', port: 1 }], user: 'u', password: 'p', database: 'd' }],
  ['postgres://u@h', { user: 'u', password: undefined, database: 'u', name: 'postgres://u@h:5432/u' }],
  [
    'postgres://u:p%40%2F%3A%25@h1:1,h2,[::1]:65535/a%20b?target_session_attrs=read-write',
    {
      hosts: [
        { host: 'h1', port: 1 },
        { host: 'h2', port: 5432 },
        { host: '::1', port: 65_535 },
      ],
      password: 'p@/:%',
      database: 'a b',
      name: 'postgres://u@h1:1,h2:5432,[::1]:65535/a%20b',
    },
  ],
  ['postgres://u:a:b@h/d', { password: 'a:b' }],
  [
    'postgres://u@%2Frun%2Fpostgresql/d',
    { hosts: [{ host: '/run/postgresql', port: 5432 }], name: 'postgres://u@%2Frun%2Fpostgresql:5432/d' },
  ],
  ['postgres:///d?host=/tmp&port=7', { hosts: [{ host: '/tmp', port: 7 }], database: 'd' }],
  [
    'postgres:///d?host=a,b&port=1,2',
    {
      hosts: [
        { host: 'a', port: 1 },
        { host: 'b', port: 2 },
      ],
    },
  ],
  [
    'postgres:///d?host=a,&port=3&user=x&password=y',
    {
      hosts: [
        { host: 'a', port: 3 },
        { host: 'localhost', port: 3 },
      ],
      user: 'x',
      password: 'y',
    },
  ],
  [
    'postgres://?dbname=d&connect_timeout=2&application_name=a%20b&options=-c%20x%3D1&keepalives=0&gssencmode=disable',
    { database: 'd', connectTimeoutMs: 2000, applicationName: 'a b', options: '-c x=1' },
  ],
  ['postgres://h?connect_timeout=0', { connectTimeoutMs: 5000 }],
  [
    'postgres://h?sslmode=verify-full&sslrootcert=/a&sslcert=/b&sslkey=/c&sslpassword=d',
    { sslMode: 'verify-full', sslRootCert: '/a', sslCert: '/b', sslKey: '/c', sslPassword: 'd' },
  ],
  ['postgres://h?sslmode=require', { sslMode: 'require', sslRootCert: undefined }],
  ['postgres://h?sslmode=require&sslrootcert=/a', { sslMode: 'verify-ca', sslRootCert: '/a' }],
  ['postgres://h?sslmode=verify-full&sslrootcert=system', { sslMode: 'verify-full', sslRootCert: undefined }],
  ['postgres://h?sslmode=no-verify', { sslMode: 'require' }],
  ['postgres://h?target_session_attrs=primary', {}],
  [
    'postgres://',
    {
      hosts: [{ host: 'h', port: 9 }],
      user: 'u',
      password: 'p',
      database: 'd',
      sslMode: 'disable',
      applicationName: 'a',
      connectTimeoutMs: 4000,
    },
    {
      PGHOST: 'h',
      PGPORT: '9',
      PGUSER: 'u',
      PGPASSWORD: 'p',
      PGDATABASE: 'd',
      PGSSLMODE: 'disable',
      PGAPPNAME: 'a',
      PGCONNECT_TIMEOUT: '4',
    },
  ],
  [
    'postgres://x:y@k:8/z',
    { hosts: [{ host: 'k', port: 8 }], user: 'x', password: 'y', database: 'z' },
    { PGHOST: 'h', PGPORT: '9', PGUSER: 'u', PGPASSWORD: 'p', PGDATABASE: 'd' },
  ],
  ['postgres://k/z', { hosts: [{ host: 'k', port: 9 }] }, { PGPORT: '9' }],
]

/** What is wrong with a URL. */
const wrong: readonly (readonly [url: string, message: RegExp, env?: Record<string, string>])[] = [
  ['postgres:h', /is none/],
  ['postgres://u:se/cret@h/d', /is none.*%2F/],
  ['postgres://u:se#cret@h/d', /is none.*%23/],
  ['postgres://u:secret@h:x/d', /port that is not a number/],
  ['postgres://u:secret@h:0/d', /port that is not a number/],
  ['postgres://u:secret@h:65536/d', /port that is not a number/],
  ['postgres://u:secret@[::1/d', /port that is not a number/],
  ['postgres://u:secret%@h/d', /%25 is % itself/],
  ['postgres://u:secret@h/d%00', /%25 is % itself/],
  [`postgres://u:secret@${'h,'.repeat(32)}h/d`, /33 hosts; it may have 32/],
  ['postgres:///d?host=a,b&port=1,2,3&password=secret', /2 hosts and 3 ports/],
  ['postgres://u:secret@h/d?nope=1', /parameter that is not known; these are: host, port/],
  ['postgres://u:secret@h/d?sslmode=maybe', /these are: disable, prefer/],
  ['postgres://u:secret@h/d?sslmode=verify-ca', /add sslrootcert/],
  ['postgres://u:secret@h/d?connect_timeout=soon', /number of seconds/],
  ['postgres://u:secret@h/d?channel_binding=require', /sslmode=verify-full/],
  ...['any', 'read-only', 'standby', 'prefer-standby'].map(
    (target) =>
      [`postgres://u:secret@h/d?target_session_attrs=${target}`, /a job server must write; leave it out/] as const,
  ),
  ['postgres://u:secret@h/d', /a job server must write/, { PGTARGETSESSIONATTRS: 'any' }],
]

suite('the URL of a database', () => {
  for (const [url, expected, env = {}] of rows) {
    test(`${url} ${Object.keys(env).join(' ')}`, () => {
      const address = parseAddress(url, env)
      for (const [key, value] of Object.entries(expected)) assert.deepEqual(address[key as keyof Address], value, key)
      assert.ok(
        address.password === undefined || address.password.length < 2 || !address.name.includes(address.password),
      )
    })
  }

  for (const [url, message, env = {}] of wrong) {
    test(`${url} is refused`, () => {
      assert.throws(
        () => parseAddress(url, env),
        (error) => {
          assert.ok(error instanceof StoreError)
          assert.equal(error.code, 'POSTGRES_BAD_URL')
          assert.match(error.message, message)
          assert.doesNotMatch(error.message, /cret/)
          return true
        },
      )
    })
  }

  test('is shown without its password, whatever is wrong with it', () => {
    assert.equal(withoutPassword('postgres://u:secret@h:1/d?sslmode=disable'), 'postgres://u@h:1/d')
    assert.equal(withoutPassword('postgres://h:1/d?password=secret&user=u'), 'postgres://u@h:1/d')
    for (const [url] of wrong) assert.doesNotMatch(withoutPassword(url), /cret/)
    assert.equal(withoutPassword('postgre://u:se@cret@h/d'), 'postgre://...@h/d')
    assert.equal(withoutPassword('sqlite:./geartrain.db'), 'sqlite:./geartrain.db')
  })
})
