import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { Client, JobFailure, Worker } from '@geartrain/client'
import { packets } from '@geartrain/protocol'
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  AlwaysOffSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { FakeGeartrain } from './fake-geartrain.ts'
import { onOwnServer, onServers } from './site.ts'

const exporter = new InMemorySpanExporter()
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
const tracer = provider.getTracer('test')

/** Spans that have ended, by name. */
function spans(name: string) {
  return exporter.getFinishedSpans().filter((span) => span.name === name)
}

before(() => {
  trace.setGlobalTracerProvider(provider)
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
})
afterEach(() => exporter.reset())
after(() => {
  trace.disable()
  context.disable()
  propagation.disable()
})

describe('tracing on the wire', () => {
  it('a submission has a span under the one that is active, and the server gets its traceparent', async () => {
    await using server = await FakeGeartrain.start()
    await using client = new Client(server.address, { tracing: true })
    const handle = await tracer.startActiveSpan('request', async (span) => {
      const created = await client.submitBackground('mäil', 'x', { priority: 'low' })
      span.end()
      return created
    })
    const [request, publish] = [spans('request')[0], spans('publish mäil')[0]]
    assert.ok(request !== undefined && publish !== undefined)
    const { traceId, spanId } = publish.spanContext()
    assert.equal(publish.kind, SpanKind.PRODUCER)
    assert.equal(traceId, request.spanContext().traceId)
    assert.equal(publish.parentSpanContext?.spanId, request.spanContext().spanId)
    assert.deepEqual(publish.attributes, {
      'messaging.system': 'gearman',
      'messaging.destination.name': 'mäil',
      'messaging.operation.name': 'publish',
      'messaging.operation.type': 'send',
      'messaging.message.id': handle,
    })
    const options = '{"background":true,"priority":"low"}'
    assert.deepEqual(server.extended, [['mäil', '', options, `00-${traceId}-${spanId}-01`, 'x']])
  })

  it('a foreground submission has one until the server has it', async () => {
    await using server = await FakeGeartrain.start()
    await using client = new Client(server.address, { tracing: true })
    const handle = await client.submit('f', 'x').created()
    const [span] = spans('publish f')
    assert.equal(span?.attributes['messaging.message.id'], handle)
    assert.match(server.extended[0]?.[3] ?? '', /^00-[\da-f]{32}-[\da-f]{16}-01$/)
  })

  it('a tracer of its own; what it does not sample is said to the server', async () => {
    await using server = await FakeGeartrain.start()
    const quiet = new BasicTracerProvider({ sampler: new AlwaysOffSampler() }).getTracer('quiet')
    await using client = new Client(server.address, { tracing: quiet })
    await client.submitBackground('f', '')
    assert.match(server.extended[0]?.[3] ?? '', /^00-[\da-f]{32}-[\da-f]{16}-00$/)
    assert.deepEqual(exporter.getFinishedSpans(), [])
  })

  it('off, which it is by default: no span, and no packet that Gearman does not have', async () => {
    await using server = await FakeGeartrain.start()
    for (const tracing of [undefined, false]) {
      await using client = new Client(server.address, { tracing })
      await tracer.startActiveSpan('request', () => client.submitBackground('f', ''))
    }
    assert.deepEqual(exporter.getFinishedSpans(), [])
    assert.deepEqual(
      server.heard.map(({ type }) => type),
      [packets.OPTION_REQ.type, packets.SUBMIT_JOB_BG.type, packets.OPTION_REQ.type, packets.SUBMIT_JOB_BG.type],
    )
  })

  it('a submission that fails has its error in its span', async () => {
    const client = new Client('127.0.0.1:1', { tracing: true, connectTimeoutMs: 1000 })
    await assert.rejects(client.submitBackground('f', ''))
    await assert.rejects(client.submit('g', '').result())
    for (const name of ['publish f', 'publish g']) {
      const [span] = spans(name)
      assert.equal(span?.status.code, SpanStatusCode.ERROR)
      assert.equal(span.attributes['error.type'], 'CONNECT_FAILED')
      assert.equal(span.events[0]?.name, 'exception')
    }
    await client.close()
  })
})

onServers('tracing', (test) => {
  test('a handler runs in a span, and what it starts is under that', async (site) => {
    const f = site.functionName()
    const worker = site.worker({ tracing: true })
    worker.handle(f, async (job) => {
      // The active span is that of the job, also after something was awaited.
      await job.data('x')
      tracer.startSpan('inner').end()
    })
    await worker.start()
    const client = await site.client({ tracing: true })
    const job = client.submit(f, 'payload')
    await job.result()
    await worker.close()
    const [publish, process, inner] = [spans(`publish ${f}`)[0], spans(`process ${f}`)[0], spans('inner')[0]]
    assert.ok(publish !== undefined && process !== undefined && inner !== undefined)
    assert.equal(process.kind, SpanKind.CONSUMER)
    assert.equal(inner.parentSpanContext?.spanId, process.spanContext().spanId)
    assert.deepEqual(process.attributes, {
      'messaging.system': 'gearman',
      'messaging.destination.name': f,
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.message.id': job.handle,
    })
    // Other servers do not carry the trace: the worker's is one of its own.
    const isOurs = site.kind === 'ours'
    assert.equal(process.parentSpanContext?.spanId, isOurs ? publish.spanContext().spanId : undefined)
    assert.equal(process.spanContext().traceId === publish.spanContext().traceId, isOurs)
    if (isOurs) assert.equal(process.parentSpanContext?.isRemote, true)
  })

  test('a job of a client that does not trace has a span of its own', async (site) => {
    const f = site.functionName()
    const worker = site.worker({ tracing: true })
    worker.handle(f, (job) => job.text().toUpperCase())
    // Whatever is active where the worker is started.
    await tracer.startActiveSpan('start', () => worker.start())
    const client = await site.client()
    assert.equal(await client.submit(f, 'x').text(), 'X')
    await worker.close()
    assert.equal(spans(`process ${f}`)[0]?.parentSpanContext, undefined)
  })

  test('what a handler throws is in its span', async (site) => {
    const [f, g] = [site.functionName(), site.functionName()]
    const worker = site.worker({ tracing: true })
    worker.handle(f, () => {
      throw new TypeError('no such thing')
    })
    worker.handle(g, () => {
      throw new JobFailure()
    })
    await worker.start()
    const client = await site.client()
    await assert.rejects(client.submit(f, '').result())
    await assert.rejects(client.submit(g, '').result())
    await worker.close()
    const [span] = spans(`process ${f}`)
    assert.deepEqual(span?.status, { code: SpanStatusCode.ERROR, message: 'no such thing' })
    assert.equal(span.attributes['error.type'], 'TypeError')
    assert.equal(span.events[0]?.attributes?.['exception.message'], 'no such thing')
    assert.equal(spans(`process ${g}`)[0]?.attributes['error.type'], 'JobFailure')
  })

  test('a worker that does not trace does the jobs of a client that does, and the other way round', async (site) => {
    const f = site.functionName()
    const seen: (readonly [string, string, string | undefined])[] = []
    const worker = site.worker()
    worker.handle(f, (job) => {
      seen.push([job.text(), job.unique, job.reducer])
    })
    await worker.start()
    const client = await site.client({ tracing: true })
    await client.submit(f, 'payload', { unique: 'u', reducer: 'r' }).result()
    assert.deepEqual(seen, [['payload', 'u', 'r']])
    assert.equal(spans(`publish ${f}`).length, 1)
    assert.equal(spans(`process ${f}`).length, 0)
  })
})

describe('tracing through our server', () => {
  it('a job in the background keeps its trace, with its unique and reducer', (t) =>
    onOwnServer('ours', t, async (site) => {
      const client = await site.client({ tracing: true })
      await client.submitBackground('f', 'payload', { unique: 'u', reducer: 'r' })
      const worker = site.worker({ tracing: true })
      const done = new Promise<readonly unknown[]>((resolve) => {
        worker.handle('f', (job) => resolve([job.text(), job.unique, job.reducer]))
      })
      await worker.start()
      assert.deepEqual(await done, ['payload', 'u', 'r'])
      await worker.close()
      const [publish, process] = [spans('publish f')[0], spans('process f')[0]]
      assert.equal(process?.parentSpanContext?.spanId, publish?.spanContext().spanId)
    }))
})

describe('the option tracing', () => {
  it('is for clients and workers that ask for nothing else', () => {
    assert.ok(new Client('127.0.0.1:1', { tracing: true }))
    assert.ok(new Worker('127.0.0.1:1', { tracing: tracer }))
  })
})
