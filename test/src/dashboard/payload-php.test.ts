import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { readPhp } from '@geartrain/dashboard/payload/php'
import fc from 'fast-check'
import { missing } from '../support/peers.ts'
import { outline } from './payload-outline.ts'

const run = promisify(execFile)
const skip = missing('php') ?? false
const classes = `
  class Point { public $x = 1; protected $y = 2.5; private $z = null; public $list = ['a', "b\\0c"]; }
  class Own { function __serialize(): array { return [7, 'k' => 'v']; } function __unserialize(array $d): void {} }
  enum Suit: string { case Hearts = 'H'; }`

function outlineOf(bytes: Uint8Array): string | undefined {
  const tree = readPhp(bytes)
  return tree && outline(tree)
}

// What serialize() of PHP 8 writes of each expression, one character a byte, and what is made of it.
const rows: readonly [expression: string, serialized: string, outline: string][] = [
  ['null', 'N;', 'null'],
  ['true', 'b:1;', 'true'],
  ['false', 'b:0;', 'false'],
  ['-17', 'i:-17;', '-17'],
  ['PHP_INT_MAX', 'i:9223372036854775807;', '9223372036854775807'],
  ['0.1', 'd:0.1;', '0.1'],
  ['1e100', 'd:1.0E+100;', '1.0E+100'],
  ['-0.0', 'd:-0;', '-0'],
  ['INF', 'd:INF;', 'INF'],
  ['-INF', 'd:-INF;', '-INF'],
  ['NAN', 'd:NAN;', 'NAN'],
  ['""', 's:0:"";', '""'],
  ['"gr\\u{fc}n \\";"', 's:8:"gr\xc3\xbcn ";";', '"grün ";"'],
  ['"\\xff\\0"', 's:2:"\xff\0";', '<ff00>'],
  ['[]', 'a:0:{}', '[]'],
  ['[1, "a", [true]]', 'a:3:{i:0;i:1;i:1;s:1:"a";i:2;a:1:{i:0;b:1;}}', '[0: 1, 1: "a", 2: [0: true]]'],
  ['[1 => 1, 0 => 2]', 'a:2:{i:1;i:1;i:0;i:2;}', '{1: 1, 0: 2}'],
  ['["to" => "joe", -5 => null]', 'a:2:{s:2:"to";s:3:"joe";i:-5;N;}', '{to: "joe", -5: null}'],
  ['["__proto__" => ["x" => 1]]', 'a:1:{s:9:"__proto__";a:1:{s:1:"x";i:1;}}', '{__proto__: {x: 1}}'],
  [
    'new Point',
    'O:5:"Point":4:{s:1:"x";i:1;s:4:"\0*\0y";d:2.5;s:8:"\0Point\0z";N;s:4:"list";a:2:{i:0;s:1:"a";i:1;s:3:"b\0c";}}',
    'Point {x: 1, y (protected): 2.5, z (private): null, list: [0: "a", 1: "b\0c"]}',
  ],
  ['new Own', 'O:3:"Own":2:{i:0;i:7;s:1:"k";s:1:"v";}', 'Own {0: 7, k: "v"}'],
  ['(object)["a" => 1]', 'O:8:"stdClass":1:{s:1:"a";i:1;}', 'stdClass {a: 1}'],
  ['Suit::Hearts', 'E:11:"Suit:Hearts";', 'Suit::Hearts'],
  [
    '(function () { $o = new stdClass; return [$o, $o]; })()',
    'a:2:{i:0;O:8:"stdClass":0:{}i:1;r:2;}',
    '[0: stdClass {}, 1: same as value 2]',
  ],
  ['(function () { $a = [1]; $a[] = &$a[0]; return $a; })()', 'a:2:{i:0;i:1;i:1;R:2;}', '[0: 1, 1: same as value 2]'],
]

describe('what PHP serializes', () => {
  for (const [expression, serialized, expected] of rows) {
    test(expression, () => assert.equal(outlineOf(Buffer.from(serialized, 'latin1')), expected))
  }

  test('PHP itself writes it so', { skip }, async () => {
    const script = `${classes} foreach ([${rows.map(([expression]) => expression).join(', ')}] as $value) echo base64_encode(serialize($value)), "\\n";`
    const { stdout } = await run('php', ['-r', script])
    const written = stdout
      .trim()
      .split('\n')
      .map((line) => Buffer.from(line, 'base64').toString('latin1'))
    assert.deepEqual(
      written,
      rows.map(([, serialized]) => serialized),
    )
  })

  test('any value of PHP is read as it is', { skip }, async () => {
    const script = `foreach (json_decode($argv[1], true) as $each) echo base64_encode(serialize($each)), "\\n";`
    const values = fc.sample(fc.jsonValue({ maxDepth: 4 }), { numRuns: 200, seed: 7 })
    const { stdout } = await run('php', ['-r', script, JSON.stringify(values)])
    const read = stdout
      .trim()
      .split('\n')
      .map((line) => readPhp(Buffer.from(line, 'base64')))
    assert.equal(read.length, values.length)
    for (const [index, tree] of read.entries()) assert.ok(tree, JSON.stringify(values[index]))
  })

  test('also by a class that writes itself', () => {
    assert.equal(outlineOf(Buffer.from('C:4:"Self":6:{a:0:{}}')), 'Self {serialized: "a:0:{}"}')
    assert.equal(outlineOf(Buffer.from('C:4:"Self":1:{\xff}', 'latin1')), 'Self {serialized: <ff>}')
  })
})

describe('none of PHP is', () => {
  const rows: readonly string[] = [
    '',
    'N',
    'N;;',
    ' N;',
    'N;\n',
    'n;',
    'b:2;',
    'b:;',
    'i:;',
    'i:1',
    'i:1.5;',
    'i:0x1;',
    `i:${'1'.repeat(401)};`,
    'd:;',
    'd:.;',
    'd:1e;',
    's:1:"";',
    's:1:"ab";',
    's:-1:"";',
    's:1e0:"a";',
    's:99999999999999999999:"a";',
    's:1:"a"',
    "s:1:'a';",
    'a:1:{}',
    'a:0:{i:0;N;}',
    'a:-1:{}',
    'a:1:{N;N;}',
    'a:1:{a:0:{}N;}',
    'a:1:{d:1;N;}',
    'a:99999999999999999999:{}',
    'O:1:"A":1:{}',
    'O:2:"A":0:{}',
    'C:1:"A":2:{a}',
    'E:1:"A"',
    'R:0;',
    'R:-1;',
    'x:1;',
    `${'a:1:{i:0;'.repeat(502)}N;${'}'.repeat(502)}`,
  ]
  for (const text of rows)
    test(JSON.stringify(text.slice(0, 60)), () => assert.equal(outlineOf(Buffer.from(text)), undefined))

  test('what was cut off', () => {
    const whole = Buffer.from('a:2:{i:0;O:1:"A":1:{s:1:"b";d:1.5;}i:1;s:3:"x\0y";}', 'latin1')
    assert.ok(readPhp(whole))
    for (let end = 0; end < whole.length; end++) assert.equal(readPhp(whole.subarray(0, end)), undefined, String(end))
  })
})

test('500 levels are read, one more is not', () => {
  const nested = (levels: number) => Buffer.from(`${'a:1:{i:0;'.repeat(levels)}N;${'}'.repeat(levels)}`)
  assert.ok(readPhp(nested(500)))
  assert.equal(readPhp(nested(501)), undefined)
})

test('one wrong byte is never thrown, and never a class of ours', () => {
  const whole = Buffer.from('a:2:{s:9:"__proto__";O:6:"Object":1:{s:8:"toString";N;}i:1;d:0.5;}')
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
      const bytes = Buffer.from(whole)
      bytes[at] = byte
      const tree = readPhp(bytes)
      if (tree !== undefined) outline(tree)
      assert.equal(Object.prototype.toString.call({}), '[object Object]')
    }),
  )
})
