import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { Client, Worker } from '@geartrain/client'
import { resolveSettings, SettingsError, type Source, toServerOptions } from '@geartrain/server'
import {
  AlwaysOffSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { type LocalOptions, LocalServer } from '../server/local-server.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { PACKET } from '../support/raw.ts'
import { Collector, type ReceivedSpan } from './collector.ts'

/** What a server sends a collector, from its start to its end. */
async function spansOf(
  options: LocalOptions,
  run: (server: LocalServer, clock: ManualClock) => Promise<void>,
): Promise<readonly ReceivedSpan[]> {
  await using collector = await Collector.start()
  const clock = new ManualClock()
  {
    await using server = await LocalServer.start({ traces: collector.url, ...options }, clock)
    await run(server, clock)
  }
  const spans: ReceivedSpan[] = []
  for (let i = 0; i < collector.count; i++) spans.push(...(await collector.next()).spans)
  return spans
}

/** Name, length and outcome: what there is to be seen at a glance. */
function shown({ name, startMs, endMs, attributes, error }: ReceivedSpan): string {
  const [attempts, outcome] = ['attempts', 'outcome'].map((key) => String(attributes[`geartrain.job.${key}`] ?? ''))
  return [name, endMs - startMs, attempts, outcome, error === undefined ? '' : `error ${error}`].join(' ').trim()
}

const exporter = new InMemorySpanExporter()
const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).getTracer('test')

describe('spans of the server', () => {
  it('submit, wait and run of a job, with their times, in a trace of its own', async () => {
    let handle = ''
    const spans = await spansOf({}, async (server, clock) => {
      const client = await server.connect('client')
      const name = Buffer.from('größe').toString('latin1')
      client.send(PACKET.SUBMIT_JOB, name, 'u', 'payload')
      handle = (await client.receive('JOB_CREATED')).body.toString('latin1')
      clock.advance(300)
      const worker = await server.connect('worker')
      worker.send(PACKET.CAN_DO, name)
      worker.send(PACKET.GRAB_JOB)
      await worker.receive('JOB_ASSIGN')
      clock.advance(200)
      worker.send(PACKET.WORK_COMPLETE, handle, 'result')
      await client.receive('WORK_COMPLETE')
    })
    const [submit, wait, run] = spans
    assert.ok(submit !== undefined && wait !== undefined && run !== undefined && spans.length === 3)
    assert.deepEqual(spans.map(shown), ['submit 0', 'wait 300 1', 'run 200 1 complete'])
    assert.deepEqual([wait.startMs - submit.startMs, run.startMs - wait.endMs], [0, 0])
    assert.deepEqual(
      spans.map(({ kind, parentSpanId, traceId }) => [kind, parentSpanId, traceId]),
      [
        [2, undefined, submit.traceId],
        [1, submit.spanId, submit.traceId],
        [1, submit.spanId, submit.traceId],
      ],
    )
    const common = {
      'messaging.system': 'gearman',
      'messaging.destination.name': 'größe',
      'messaging.message.id': handle,
    }
    assert.deepEqual(submit.attributes, { ...common, 'geartrain.job.background': false })
    assert.deepEqual(run.attributes, {
      ...common,
      'geartrain.job.attempts': 1,
      'geartrain.job.outcome': 'complete',
      'geartrain.job.dead': false,
    })
    assert.doesNotMatch(JSON.stringify(spans), /payload|result/)
  })

  it('a wait and a run for each attempt, under the span of a client that traces', async () => {
    const functions = { f: { attempts: '2', backoff: 'fixed', 'backoff-first': '5s', 'backoff-jitter': '0' } }
    exporter.reset()
    const spans = await spansOf({ functions }, async (server, clock) => {
      await using client = new Client(`127.0.0.1:${server.port}`, { tracing: tracer })
      const handle = await client.submitBackground('f', '')
      const worker = await server.connect('worker')
      worker.send(PACKET.CAN_DO, 'f')
      worker.send(PACKET.GRAB_JOB)
      await worker.receive('JOB_ASSIGN')
      clock.advance(10)
      worker.send(PACKET.WORK_FAIL, handle)
      await worker.sync()
      clock.advance(5000)
      worker.send(PACKET.GRAB_JOB)
      await worker.receive('JOB_ASSIGN')
      clock.advance(20)
      worker.send(PACKET.WORK_FAIL, handle)
      await worker.sync()
    })
    assert.deepEqual(spans.map(shown), [
      'submit 0',
      'wait 0 1',
      'run 10 1 failed error failed',
      'wait 0 2',
      'run 20 2 failed error failed',
    ])
    const [publish] = exporter.getFinishedSpans()
    for (const { traceId, parentSpanId } of spans) {
      assert.equal(traceId, publish?.spanContext().traceId)
      assert.equal(parentSpanId, publish?.spanContext().spanId)
    }
    assert.equal(spans[2]?.attributes['geartrain.job.retry_in_ms'], 5000)
    assert.deepEqual(
      [spans[4]?.attributes['geartrain.job.dead'], spans[4]?.attributes['geartrain.job.attempts']],
      [true, 2],
    )
  })

  it('a job that is cancelled before it was begun ends in its wait', async () => {
    const spans = await spansOf({}, async (server, clock) => {
      const client = await server.connect('client')
      client.send(PACKET.SUBMIT_JOB_BG, 'f', '', '')
      const handle = (await client.receive('JOB_CREATED')).body.toString('latin1')
      clock.advance(70)
      client.sendLine(`cancel job ${handle}\n`)
      assert.equal(await client.receiveText('\n'), 'OK\r\n')
    })
    assert.deepEqual(spans.map(shown), ['submit 0', 'wait 70 0 cancelled'])
  })

  it('jobs whose clients do not record their trace are none of the collector’s', async () => {
    const quiet = new BasicTracerProvider({ sampler: new AlwaysOffSampler() }).getTracer('quiet')
    const spans = await spansOf({}, async (server) => {
      await using client = new Client(`127.0.0.1:${server.port}`, { tracing: quiet })
      await client.submitBackground('f', '')
    })
    assert.deepEqual(spans, [])
  })

  it('a part of the jobs of clients that do not trace, and all of those that do', async () => {
    const submitMany = (tracing: boolean) => async (server: LocalServer) => {
      await using client = new Client(`127.0.0.1:${server.port}`, { tracing: tracing && tracer })
      await Promise.all(Array.from({ length: 400 }, () => client.submitBackground('f', '')))
    }
    assert.equal((await spansOf({ tracesSample: 0 }, submitMany(false))).length, 0)
    assert.equal((await spansOf({ tracesSample: 1 }, submitMany(false))).length, 400)
    assert.equal((await spansOf({ tracesSample: 0 }, submitMany(true))).length, 400)
    const { length } = await spansOf({ tracesSample: 0.5 }, submitMany(false))
    // The part is drawn from the handles, and these from the clock, which is the same each time.
    assert.ok(length > 140 && length < 260, String(length))
  })

  it('a trace goes on when the server is started again', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'geartrain-traces-'))
    try {
      const store = `sqlite:${join(directory, 'jobs.db')}`
      const before = await spansOf({ store }, async (server) => {
        await using client = new Client(`127.0.0.1:${server.port}`)
        await client.submitBackground('own', '')
        await using traced = new Client(`127.0.0.1:${server.port}`, { tracing: tracer })
        await traced.submitBackground('traced', '')
      })
      const after = await spansOf({ store }, async (server) => {
        await using worker = new Worker(`127.0.0.1:${server.port}`)
        const done = Promise.all(
          ['own', 'traced'].map((f) => new Promise<void>((resolve) => worker.handle(f, () => resolve()))),
        )
        await worker.start()
        await done
      })
      for (const name of ['own', 'traced']) {
        const of = (spans: readonly ReceivedSpan[]) =>
          spans.filter(({ attributes }) => attributes['messaging.destination.name'] === name)
        const [submit] = of(before)
        const run = of(after).find((span) => span.name === 'run')
        assert.equal(run?.traceId, submit?.traceId, name)
        assert.equal(run?.parentSpanId, name === 'own' ? submit?.spanId : submit?.parentSpanId, name)
      }
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })

  it('a collector that is not there slows nobody, and does not keep the server from ending', async () => {
    await using server = await LocalServer.start({ traces: 'http://127.0.0.1:1' })
    await using client = new Client(`127.0.0.1:${server.port}`)
    await Promise.all(Array.from({ length: 2000 }, () => client.submitBackground('f', '')))
    await server.assertServes()
  })

  it('none without the setting', async () => {
    await using server = await LocalServer.start()
    assert.equal(server.server.traces, undefined)
  })

  it('a tracer of the program that embeds the server gets them', async () => {
    exporter.reset()
    {
      await using server = await LocalServer.start({ traces: tracer }, new ManualClock())
      const { worker, handle, client } = await server.jobInHand()
      worker.send(PACKET.WORK_FAIL, handle)
      await client.receive('WORK_FAIL')
    }
    const spans = exporter.getFinishedSpans()
    assert.deepEqual(
      spans.map(({ name }) => name),
      ['submit', 'wait', 'run'],
    )
    assert.equal(new Set(spans.map((span) => span.spanContext().traceId)).size, 1)
    assert.equal(new Set(spans.map((span) => span.parentSpanContext?.spanId)).size, 1)
    assert.deepEqual(spans[2]?.status, { code: 2, message: 'failed' })
  })
})

describe('the settings of traces', () => {
  const read = (name: 'traces' | 'traces-sample', text: string) =>
    toServerOptions(resolveSettings([new Map([[name, { text, where: `--${name}` }]]) satisfies Source]))

  it('off by default; a URL is where they go', () => {
    assert.equal(toServerOptions(resolveSettings([])).traces, undefined)
    assert.equal(read('traces', 'off').traces, undefined)
    assert.equal(read('traces', 'https://traces.example.org/v1').traces, 'https://traces.example.org/v1')
    assert.equal(read('traces-sample', '0.25').tracesSample, 0.25)
  })

  for (const [name, text] of [
    ['traces', ''],
    ['traces', 'collector:4318'],
    ['traces', 'ftp://collector'],
    ['traces', 'http://me:secret@collector'],
    ['traces-sample', '1.1'],
    ['traces-sample', '-1'],
    ['traces-sample', 'half'],
  ] as const) {
    it(`${name} can't be "${text}"`, () => {
      assert.throws(() => read(name, text), SettingsError)
    })
  }
})
