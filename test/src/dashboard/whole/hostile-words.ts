import { visible, type Words } from './places.ts'

// What runs if a page takes text for anything else sets `window.trapped`.

/** Texts by what they are for. */
const texts: Readonly<Record<string, string>> = {
  markup: `"><img src=x onerror=window.trapped=1></td></script><script>window.trapped=1</script><svg/onload=window.trapped=1>`,
  attribute: `' onmouseover='window.trapped=1' autofocus onfocus="window.trapped=1" style="position:fixed;inset:0" x="`,
  link: 'javascript:window.trapped=1//%0Awindow.trapped=1',
  'another host': '//evil.example/\\\\evil.example/%5C',
  template: '{{constructor.constructor("window.trapped=1")()}}${window.trapped=1}<%= 7*7 %>#{7*7}%s%n%1$x&lt;b&gt;',
  path: '../..%2F..%2f%252F/./%00?a=b&c=d#e;f\\g+h i%',
  prototype: '__proto__',
  constructor: 'constructor',
  directions: '\u202Egnp.tpircs\u2066 مرحبا שלום 😀👩‍👩‍👧‍👦 Z̷͓̪a̴l̸g̵o \u0001\u001B[31m\u2028\uFEFF',
  long: 'W'.repeat(10_000),
}

/** Payloads that mean something, in each of the ways that a page can read them. */
const payloads: readonly string[] = [
  `{"__proto__":{"trapped":1},"constructor":{"prototype":{"trapped":1}},"<img src=x onerror=window.trapped=1>":"javascript:window.trapped=1"}`,
  `a:2:{s:9:"__proto__";a:1:{s:7:"trapped";b:1;}s:33:"<img src=x onerror=window.trapped=1>";O:8:"stdClass":0:{}}`,
  `${'['.repeat(5000)}${']'.repeat(5000)}`,
  '\u0001\u0002\u0003\uFFFF',
]

/** Each with its text wherever there is one; `name` is what it is for. */
export const hostileWords: readonly (Words & { readonly name: string })[] = Object.entries(texts).map(
  ([name, text], index) => ({
    name,
    function: upTo(512, text),
    unique: upTo(64, text),
    worker: upTo(120, text),
    workload: payloads[index] ?? text,
    result: payloads[index + 1] ?? text,
    error: `${text}\n    at ${text}`,
    data: text,
    warning: text,
    schedule: upTo(54, visible(text)),
  }),
)

/** What is put into each parameter of each address. */
export const hostileTexts: readonly string[] = [
  texts['markup'] ?? '',
  texts['path'] ?? '',
  '%E0%A4%A',
  '__proto__',
  '..',
]

export const parameters: readonly string[] =
  `q name handle function server view group only show sort order after range history
  settings state __proto__ constructor`.split(/\s+/)

/** As many characters as have so many bytes. */
function upTo(bytesMax: number, text: string): string {
  let cut = ''
  for (const character of text) {
    if (Buffer.byteLength(cut + character) > bytesMax) break
    cut += character
  }
  return cut
}
