import assert from 'node:assert/strict'

/** What a scrape has brought. */
export interface Scrape {
  /** By name and labels, as they are written: `geartrain_jobs_done_total{function="f"}`. */
  readonly samples: ReadonlyMap<string, number>
  /** The types of the families by their names. */
  readonly types: ReadonlyMap<string, string>
}

const nameForm = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const sampleForm =
  /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*",?)*\})? ([+-]?(?:[0-9.]+(?:e[+-]?[0-9]+)?|Inf|Nan))$/
const suffixes: Readonly<Record<string, readonly string[]>> = { histogram: ['_bucket', '_sum', '_count'] }

/** Reads the format 0.0.4, and holds it to what the format says: each family once and in one piece, no sample twice. */
export function readScrape(text: string): Scrape {
  const samples = new Map<string, number>()
  const types = new Map<string, string>()
  let family = ''
  assert.ok(text.endsWith('\n'), 'the last line ends')
  for (const line of text.split('\n')) {
    if (line === '') continue
    if (line.startsWith('#')) {
      const [, word = '', name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? []
      assert.match(name, nameForm, line)
      if (word === 'HELP') assert.ok(!types.has(name), `${name} is there twice`)
      if (word !== 'TYPE') continue
      assert.ok(['counter', 'gauge', 'histogram'].includes(rest), line)
      assert.ok(rest !== 'counter' || name.endsWith('_total'), `${name} is a counter, and does not end in _total`)
      types.set(name, rest)
      family = name
      continue
    }
    const [, name = '', labels = '', value = ''] = sampleForm.exec(line) ?? []
    assert.notEqual(name, '', `no sample: ${line}`)
    const named = [family, ...(suffixes[types.get(family) ?? ''] ?? []).map((suffix) => family + suffix)]
    assert.ok(named.includes(name), `${name} stands among those of ${family}`)
    assert.ok(!samples.has(name + labels), `${name}${labels} is there twice`)
    samples.set(name + labels, Number(value.replace('Inf', 'Infinity')))
  }
  return { samples, types }
}
