import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import { hostname } from 'node:os'
import { describe, it } from 'node:test'
import { version } from '@geartrain/server'
import { ManualClock } from '../support/manual-clock.ts'
import { until } from '../support/until.ts'
import { Collector } from './collector.ts'
import { OtlpExporter, type Span } from './parts.ts'

const span: Span = {
  name: 'run',
  traceId: 'a'.repeat(32),
  spanId: undefined,
  parentSpanId: 'b'.repeat(16),
  startMs: 1_790_000_000_000,
  endMs: 1_790_000_000_250,
  attributes: { 'messaging.destination.name': 'mäil', 'geartrain.job.attempts': 2, 'geartrain.job.dead': false },
  error: 'timeout',
}

/** An exporter with a clock, and the lines that it logs. */
function exporterTo(url: string) {
  const clock = new ManualClock()
  const lines: string[] = []
  const say = (facts: unknown, sentence: string) => lines.push(`${JSON.stringify(facts)} ${sentence}`)
  const log = { debug() {}, info: say, warn: say, error: say } as never
  return { clock, lines, exporter: new OtlpExporter({ url, clock, log }) }
}

function fill(exporter: OtlpExporter, count: number): void {
  for (let i = 0; i < count; i++) exporter.add(span)
}

describe('what a collector is sent', () => {
  it('OTLP in JSON, after a second', async () => {
    await using collector = await Collector.start()
    const { exporter, clock } = exporterTo(collector.url)
    exporter.add(span)
    exporter.add({ ...span, name: 'submit', spanId: 'c'.repeat(16), parentSpanId: undefined, error: undefined })
    clock.advance(999)
    assert.equal(collector.count, 0)
    clock.advance(1)
    const { path, resource, spans } = await collector.next()
    assert.equal(path, '/v1/traces')
    assert.deepEqual(resource, {
      'service.name': 'geartrain',
      'service.version': version,
      'host.name': hostname(),
    })
    assert.match(spans[0]?.spanId ?? '', /^[\da-f]{16}$/)
    const { attributes, startMs, endMs, traceId } = span
    const common = { attributes, startMs, endMs, traceId }
    assert.deepEqual(spans, [
      { ...common, name: 'run', kind: 1, spanId: spans[0]?.spanId, parentSpanId: 'b'.repeat(16), error: 'timeout' },
      { ...common, name: 'submit', kind: 2, spanId: 'c'.repeat(16), parentSpanId: undefined, error: undefined },
    ])
    await exporter.close()
    assert.deepEqual([exporter.sent, exporter.dropped, clock.timerCount], [2, 0, 0])
  })

  it('a path is kept', async () => {
    await using collector = await Collector.start()
    const { exporter } = exporterTo(`${collector.url}/otlp/traces?tenant=1`)
    exporter.add(span)
    await exporter.close()
    assert.equal((await collector.next()).path, '/otlp/traces?tenant=1')
  })

  it('at most 512 at a time, one request after the other, the full ones at once', async () => {
    await using collector = await Collector.start()
    collector.status = undefined
    const { exporter } = exporterTo(collector.url)
    fill(exporter, 1100)
    const first = await collector.next()
    assert.equal(first.spans.length, 512)
    assert.equal(collector.count, 1)
    first.answer(200)
    const second = await collector.next()
    second.answer(200)
    assert.equal(second.spans.length, 512)
    const closed = exporter.close()
    const third = await collector.next()
    third.answer(200)
    await closed
    assert.equal(third.spans.length, 76)
    assert.equal(exporter.sent, 1100)
  })
})

describe('a collector that fails', () => {
  it('is said once, gets the same spans ever more seldom, and is said again when it works', async () => {
    await using collector = await Collector.start()
    collector.status = 503
    const { exporter, clock, lines } = exporterTo(collector.url)
    exporter.add(span)
    clock.advance(1000)
    await collector.next()
    for (const waitMs of [1000, 2000, 4000]) {
      await until('it is to be sent again', () => clock.timerCount === 1)
      // What comes meanwhile does not hurry it.
      fill(exporter, 600)
      clock.advance(waitMs - 1)
      assert.equal(clock.timerCount, 1)
      if (waitMs === 4000) collector.status = 200
      clock.advance(1)
      assert.equal((await collector.next()).spans.length, 512)
    }
    await exporter.close()
    assert.deepEqual([exporter.sent, exporter.dropped], [1801, 0])
    assert.deepEqual(lines, [
      `{"dropped":0} the collector ${collector.url} does not take spans: it answers 503; past 8192 they are dropped`,
      `{"dropped":0} the collector ${collector.url} takes spans again`,
    ])
  })

  it('what it will never take is not sent again, and counted', async () => {
    await using collector = await Collector.start()
    collector.status = 400
    const { exporter, clock } = exporterTo(collector.url)
    exporter.add(span)
    clock.advance(1000)
    await collector.next()
    await until('it is dropped', () => exporter.dropped === 1)
    collector.status = 200
    await exporter.close()
    assert.deepEqual([exporter.sent, exporter.dropped, collector.count], [0, 1, 1])
  })

  it('spans that it has taken and thrown away are counted', async () => {
    await using collector = await Collector.start()
    collector.status = undefined
    const { exporter, clock } = exporterTo(collector.url)
    fill(exporter, 3)
    clock.advance(1000)
    const request = await collector.next()
    request.answer(200, { partialSuccess: { rejectedSpans: '2', errorMessage: 'too old' } })
    await exporter.close()
    assert.deepEqual([exporter.sent, exporter.dropped], [1, 2])
  })

  it('past 8192 spans they are dropped and counted', async () => {
    const { exporter, lines } = exporterTo('http://127.0.0.1:1')
    fill(exporter, 512)
    await until('it is said', () => lines.length === 1)
    fill(exporter, 8192 - 512 + 100)
    assert.equal(exporter.dropped, 100)
    await exporter.close()
    assert.equal(exporter.dropped, 8192 + 100)
    assert.match(lines[0] ?? '', /127\.0\.0\.1:1 does not take spans: .*ECONNREFUSED|bad port/)
  })

  it('one that never answers keeps nobody from ending', async () => {
    await using collector = await Collector.start()
    collector.status = undefined
    const { exporter, clock } = exporterTo(collector.url)
    fill(exporter, 2)
    clock.advance(1000)
    await collector.next()
    await exporter.close()
    assert.equal(exporter.dropped, 2)
    exporter.add(span)
    assert.equal(exporter.dropped, 3)
  })

  for (const answer of [
    '',
    'null',
    '[]',
    '{"partialSuccess":null}',
    '{"partialSuccess":{"rejectedSpans":"x"}}',
    '<p>',
  ]) {
    it(`takes spans whatever else it says: ${answer}`, async () => {
      await using server = await startHttp(answer)
      const { exporter, clock } = exporterTo(server.url)
      exporter.add(span)
      clock.advance(1000)
      await exporter.close()
      assert.deepEqual([exporter.sent, exporter.dropped], [1, 0])
    })
  }
})

async function startHttp(body: string): Promise<AsyncDisposable & { readonly url: string }> {
  const server = http.createServer((request, response) => {
    request.resume().on('end', () => response.end(body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return {
    url: `http://127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
