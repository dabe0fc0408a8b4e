import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { bytesOf, payloadBytes, textOf, wholeCharacters } from '@geartrain/dashboard/payload/bytes'
import { hexDump } from '@geartrain/dashboard/payload/hex'
import { readJson } from '@geartrain/dashboard/payload/json'
import { type ViewName, viewsOf } from '@geartrain/dashboard/payload/views'
import fc from 'fast-check'
import { outline } from './payload-outline.ts'

const MiB = 1024 * 1024

describe('JSON', () => {
  const rows: readonly [text: string, outline: string | undefined][] = [
    ['{}', '{}'],
    ['[]', '[]'],
    ['"a"', '"a"'],
    [' null ', 'null'],
    ['-0.50e+3', '-0.50e+3'],
    ['12345678901234567890.10', '12345678901234567890.10'],
    ['[1,true,null,"x"]', '[0: 1, 1: true, 2: null, 3: "x"]'],
    ['{"b":1,"a":{"c":[]}}', '{b: 1, a: {c: []}}'],
    // An object of JavaScript would put 1 first, have one of the two, and lose the last one.
    ['{"b":1, "1":2, "b":3, "__proto__":{"x":1}}', '{b: 1, 1: 2, b: 3, __proto__: {x: 1}}'],
    ['{"a\\"}\\\\":"\\u00e9\\n]"}', '{a"}\\: "é\n]"}'],
    ['{"":[[],[{}]]}', '{: [0: [], 1: [0: {}]]}'],
    ['{"k":"v"} ', '{k: "v"}'],
    ['', undefined],
    ['{', undefined],
    ['{"a":1}x', undefined],
    ["{'a':1}", undefined],
    ['[1,]', undefined],
    ['01', undefined],
    ['NaN', undefined],
    ['"a\nb"', undefined],
  ]
  for (const [text, expected] of rows) {
    test(JSON.stringify(text), () => {
      const tree = readJson(text)
      assert.equal(tree && outline(tree), expected)
    })
  }

  test('what JavaScript writes is read as it is', () => {
    fc.assert(
      fc.property(fc.json(), fc.boolean(), (text, isPretty) => {
        const written = isPretty ? JSON.stringify(JSON.parse(text), null, 2) : text
        const tree = readJson(written)
        assert.ok(tree)
        assert.deepEqual(valueOf(tree), JSON.parse(text))
      }),
    )
  })
})

/** As JSON.parse has it. */
function valueOf(tree: NonNullable<ReturnType<typeof readJson>>): unknown {
  switch (tree.kind) {
    case 'text':
      return tree.text
    case 'number':
    case 'word':
      return JSON.parse(tree.text)
    case 'list':
      return tree.entries.map(({ value }) => valueOf(value))
    case 'map': {
      const object: Record<string, unknown> = {}
      for (const { key, value } of tree.entries) {
        Object.defineProperty(object, key, {
          value: valueOf(value),
          enumerable: true,
          configurable: true,
          writable: true,
        })
      }
      return object
    }
    case 'bytes':
      return assert.fail('JSON has no bytes')
  }
}

test('hex', () => {
  assert.equal(hexDump(bytesOf('')), '')
  assert.equal(
    hexDump(Uint8Array.of(0, 0x41, 0x7e, 0x7f, 0x80, 0xff, ...bytesOf('0123456789abc'))),
    [
      '00000000  00 41 7e 7f 80 ff 30 31  32 33 34 35 36 37 38 39  .A~...0123456789',
      `00000010  61 62 63${' '.repeat(42)}abc`,
    ].join('\n'),
  )
})

describe('the best view', () => {
  const rows: readonly [what: string, bytes: Uint8Array, best: ViewName, names: string][] = [
    ['nothing', bytesOf(''), 'text', 'text hex'],
    ['an object', bytesOf(' {"a":1}\n'), 'json', 'json text hex'],
    ['a list', bytesOf('[]'), 'json', 'json text hex'],
    ['a number', bytesOf('17'), 'text', 'json text hex'],
    ['PHP', bytesOf('a:1:{i:0;s:2:"é";}'), 'php', 'php text hex'],
    ['text', bytesOf('Grüße\r\n\t😀'), 'text', 'text hex'],
    ['colours of a terminal', bytesOf('\u001b[1;31mno\u001b[0m'), 'text', 'text hex'],
    ['what else a terminal would obey', bytesOf('\u001b]0;title\u0007'), 'hex', 'text hex'],
    ['a NUL', bytesOf('a\0b'), 'hex', 'text hex'],
    ['no UTF-8', Uint8Array.of(0x61, 0xff), 'hex', 'text hex'],
  ]
  for (const [what, bytes, best, names] of rows) {
    test(what, () => {
      const views = viewsOf(bytes, true)
      assert.deepEqual([views.best, views.names.join(' ')], [best, names])
    })
  }

  test('the beginning of one is text, also if a character was cut in two', () => {
    const views = viewsOf(bytesOf('{"a":"€"').subarray(0, 8), false)
    assert.deepEqual([views.best, views.names, views.text], ['text', ['text', 'hex'], '{"a":"'])
  })
})

test('a character that was cut off is left out, and nothing else', () => {
  const text = bytesOf('aé€😀')
  const texts = Array.from({ length: text.length + 1 }, (_, end) => textOf(wholeCharacters(text.subarray(0, end))))
  assert.deepEqual(texts, ['', 'a', 'a', 'aé', 'aé', 'aé', 'aé€', 'aé€', 'aé€', 'aé€', 'aé€😀'])
  const wrong = Uint8Array.of(0x61, 0x80, 0x80, 0x80, 0x80)
  assert.equal(wholeCharacters(wrong), wrong)
})

test('payloads of JSON are the bytes that they were', () => {
  assert.deepEqual(payloadBytes({ text: '\ufeffé' }), Uint8Array.of(0xef, 0xbb, 0xbf, 0xc3, 0xa9))
  assert.deepEqual(payloadBytes({ base64: 'AP9h' }), Uint8Array.of(0, 0xff, 0x61))
  assert.equal(textOf(payloadBytes({ text: '\ufeffé' })), '\ufeffé')
})

test('any bytes have their views, and nothing is thrown', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, isWhole) => {
      const views = viewsOf(bytes, isWhole)
      assert.ok(views.names.includes(views.best))
      assert.equal(hexDump(bytes).split('\n').join('').length > 0, bytes.length > 0)
    }),
  )
})

test('1 MiB in hex', () => assert.equal(hexDump(new Uint8Array(MiB)).split('\n').length, MiB / 16))

// A reader that goes back, or that calls itself for each level, would not come to its end here.
for (const [what, bytes] of Object.entries({
  'open brackets': bytesOf('['.repeat(MiB)),
  'brackets in brackets': bytesOf('['.repeat(MiB / 2) + ']'.repeat(MiB / 2)),
  'objects in objects': bytesOf('{"a":'.repeat(100_000) + '1' + '}'.repeat(100_000)),
  'a string of backslashes': bytesOf(`["${'\\\\'.repeat(MiB / 2 - 2)}"]`),
  'a string without end': bytesOf(`"${'\\"'.repeat(MiB / 2)}`),
  'a long number': bytesOf('1'.repeat(MiB)),
  'many keys': bytesOf(`{${'"__proto__":1,'.repeat(70_000)}"a":1}`),
  'arrays of PHP in arrays': bytesOf('a:1:{i:0;'.repeat(MiB / 9)),
  'an array of PHP of billions': bytesOf(`a:99999999999:{${'i:0;N;'.repeat(MiB / 6)}`),
  'a string of PHP that is longer than there is': bytesOf(`s:999999999999:"${'x'.repeat(MiB)}`),
  'escapes of a terminal': bytesOf('\u001b['.repeat(MiB / 2)),
  'bytes of UTF-8 that go on': new Uint8Array(MiB).fill(0x80),
  NULs: new Uint8Array(MiB),
})) {
  test(`1 MiB: ${what}`, () => {
    const { names } = viewsOf(bytes, true)
    assert.ok(names.includes('hex'))
  })
}
