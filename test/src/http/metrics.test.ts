import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { LocalServer } from '../server/local-server.ts'
import { FakeStore } from '../support/fake-store.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { PACKET } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { apiOf, originOf, startLocal } from './local-http.ts'
import { readScrape, type Scrape } from './prometheus.ts'

const deploy = new URL('../../../deploy/', import.meta.url)
const manual = readFileSync(new URL('../docs/operating.md', deploy), 'utf8')
const dashboard = readFileSync(new URL('grafana/geartrain.json', deploy), 'utf8')
const alerts = readFileSync(new URL('prometheus/alerts.yml', deploy), 'utf8')

async function scrapeText(local: LocalServer, token = ''): Promise<string> {
  const headers = token === '' ? {} : { authorization: `Bearer ${token}` }
  const answer = await fetch(`${originOf(local)}/metrics`, { headers })
  const text = await answer.text()
  assert.equal(answer.status, 200, text)
  assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  return text
}

async function scrape(local: LocalServer, token = ''): Promise<Scrape> {
  return readScrape(await scrapeText(local, token))
}

/** A worker has done a job of the function, and has another one in hand; two wait. */
async function work(local: LocalServer, name: string): Promise<void> {
  const { client, worker, handle } = await local.jobInHand(name)
  worker.send(PACKET.WORK_COMPLETE, handle, 'done')
  await client.receive('WORK_COMPLETE')
  for (const type of [PACKET.SUBMIT_JOB_HIGH, PACKET.SUBMIT_JOB, PACKET.SUBMIT_JOB_LOW_BG]) {
    client.send(type, name, '', 'x')
    await client.receive('JOB_CREATED')
  }
  worker.send(PACKET.GRAB_JOB)
  await worker.receive('JOB_ASSIGN')
}

function tokenRule(token: string, roles: readonly ('view' | 'submit')[], functions: string) {
  return { token: `sha256:${createHash('sha256').update(token).digest('hex')}`, roles, functions }
}

/** Names of series in expressions of PromQL; those with a colon are made by rules, `up` by Prometheus itself. */
function metricsIn(text: string): Set<string> {
  return new Set(text.match(/\b(?:geartrain|nodejs|process)_[a-z0-9_]+\b/g))
}

describe('/metrics', () => {
  it('says what is waiting, running and done, by function', async () => {
    await using local = await startLocal()
    await work(local, 'resize')
    const { samples, types } = await scrape(local)
    const expected = {
      'geartrain_jobs_queued{function="resize",priority="high"}': 0,
      'geartrain_jobs_queued{function="resize",priority="normal"}': 1,
      'geartrain_jobs_queued{function="resize",priority="low"}': 1,
      'geartrain_jobs_running{function="resize"}': 1,
      'geartrain_jobs_delayed{function="resize"}': 0,
      'geartrain_jobs_dead{function="resize"}': 0,
      'geartrain_function_workers{function="resize"}': 1,
      'geartrain_jobs_submitted_total{function="resize",kind="foreground"}': 3,
      'geartrain_jobs_submitted_total{function="resize",kind="background"}': 1,
      'geartrain_jobs_done_total{function="resize"}': 1,
      'geartrain_jobs_failed_total{function="resize",reason="failed"}': 0,
      'geartrain_job_run_seconds_count{function="resize"}': 1,
      'geartrain_job_wait_seconds_count{function="resize"}': 2,
      'geartrain_job_wait_seconds_bucket{function="resize",le="+Inf"}': 2,
      'geartrain_connections{kind="worker"}': 1,
      'geartrain_connections{kind="client"}': 1,
      geartrain_ready: 1,
      geartrain_functions: 1,
    }
    const found = Object.fromEntries(Object.keys(expected).map((series) => [series, samples.get(series)]))
    assert.deepEqual(found, expected)
    assert.ok((samples.get('geartrain_oldest_wait_seconds{function="resize"}') ?? -1) >= 0)
    assert.ok((samples.get('geartrain_received_bytes_total') ?? 0) > 0)
    assert.ok((samples.get('geartrain_sent_bytes_total') ?? 0) > 0)
    assert.equal(types.get('geartrain_job_wait_seconds'), 'histogram')
    assert.ok((samples.get('process_resident_memory_bytes') ?? 0) > 1e6)
    assert.ok(samples.has('nodejs_eventloop_lag_p99_seconds'))
  })

  it('says how the store does', async () => {
    const store = new FakeStore()
    const clock = new ManualClock()
    await using local = await startLocal({ store }, clock)
    const client = await local.connect('client')
    const before = (await scrape(local)).samples
    client.send(PACKET.SUBMIT_JOB_BG, 'f', '', 'x')
    await client.receive('JOB_CREATED')
    store.failNext('full')
    client.send(PACKET.SUBMIT_JOB_BG, 'f', '', 'x')
    await client.receive('ERROR')
    const { samples } = await scrape(local)
    const grown = (series: string) => (samples.get(series) ?? 0) - (before.get(series) ?? 0)
    assert.equal(grown('geartrain_store_batch_writes_sum'), 1)
    assert.ok(grown('geartrain_store_commit_seconds_count') >= 1)
    assert.equal(grown('geartrain_store_commit_failures_total'), 1)
    assert.equal(samples.get('geartrain_store_failing'), 1)
    assert.equal(samples.get('geartrain_ready'), 0)
    assert.equal(samples.get('geartrain_store_info{kind="fake"}'), 1)
    assert.equal(samples.get('geartrain_store_unkept_jobs'), 0)
    client.send(PACKET.SUBMIT_JOB_BG, 'f', '', 'x')
    await client.receive('JOB_CREATED')
    assert.equal((await scrape(local)).samples.get('geartrain_store_failing'), 1)
    clock.advance(10_000)
    assert.equal((await scrape(local)).samples.get('geartrain_store_failing'), 0)
  })

  it('is read also when names are hostile', async () => {
    await using local = await startLocal()
    const client = await local.connect('client')
    const names = ['a"b', 'a\\b', 'a\nb', '} 1', '\xff\xfe', Buffer.from('größe').toString('latin1'), '__other__', '{}']
    for (const name of names) {
      client.send(PACKET.SUBMIT_JOB_BG, Buffer.from(name, 'latin1'), '', 'x')
      await client.receive('JOB_CREATED')
    }
    const { samples } = await scrape(local)
    const shown = Array.from(samples.keys()).filter((series) => series.startsWith('geartrain_jobs_running{'))
    assert.deepEqual(
      shown.map((series) => series.slice('geartrain_jobs_running{function='.length, -1)),
      ['"a\\"b"', '"a\\\\b"', '"a\\nb"', '"} 1"', '"\uf7ff\uf7fe"', '"größe"', '"{}"', '"__other__"'],
    )
  })

  it('has series for so many functions, and one for all others', async () => {
    await using local = await startLocal({ limits: { metricsFunctionsMax: 2 } })
    const client = await local.connect('client')
    for (const name of ['a', 'b', 'c', 'd', '__other__', 'c']) {
      client.send(PACKET.SUBMIT_JOB_BG, name, '', 'x')
      await client.receive('JOB_CREATED')
    }
    const { samples } = await scrape(local)
    const queued = Array.from(samples).filter(([series]) => /^geartrain_jobs_queued.*normal/.test(series))
    assert.deepEqual(queued, [
      ['geartrain_jobs_queued{function="a",priority="normal"}', 1],
      ['geartrain_jobs_queued{function="b",priority="normal"}', 1],
      ['geartrain_jobs_queued{function="__other__",priority="normal"}', 4],
    ])
    assert.equal(samples.get('geartrain_jobs_submitted_total{function="__other__",kind="background"}'), 4)
  })

  it('shows each what they may view', async () => {
    const access = {
      all: tokenRule('all', ['view'], '*'),
      mail: tokenRule('mail', ['view'], 'mail.*'),
      ci: tokenRule('ci', ['submit'], '*'),
      gearman: { network: '127.0.0.1', roles: ['submit', 'work'] as const },
    }
    await using local = await startLocal({ access, limits: { metricsFunctionsMax: 3 } })
    await work(local, 'mail.send')
    await work(local, 'resize')
    const whole = await scrape(local, 'all')
    assert.ok(whole.samples.has('geartrain_jobs_running{function="resize"}') && whole.samples.has('geartrain_ready'))
    const { samples } = await scrape(local, 'mail')
    assert.equal(samples.get('geartrain_jobs_running{function="mail.send"}'), 1)
    const others = Array.from(samples.keys()).filter((series) => !series.includes('function="mail.send"'))
    assert.deepEqual(others, [])
    const api = await apiOf(local)
    assert.equal((await api.call('getMetrics')).status, 401)
    assert.equal((await api.call('getMetrics', { headers: { authorization: 'Bearer ci' } })).status, 403)
    assert.equal((await api.call('getMetrics', { headers: { authorization: 'Bearer all' } })).status, 200)
  })

  it('answers many scrapes at once alike', async () => {
    await using local = await startLocal()
    await work(local, 'f')
    const texts = await Promise.all(Array.from({ length: 20 }, () => scrapeText(local)))
    for (const text of texts) readScrape(text)
  })
})

describe('the dashboard of Grafana and the alerts of Prometheus', () => {
  it('speak of metrics that there are, with labels that they have', async () => {
    await using local = await startLocal({ store: new FakeStore() })
    await work(local, 'f')
    const { samples, types } = await scrape(local)
    const known = new Set(Array.from(samples.keys(), (series) => series.replace(/\{.*/s, '')))
    const labels = new Set(Array.from(samples.keys()).flatMap((series) => series.match(/[{,](\w+)(?==")/g) ?? []))
    for (const text of [dashboard, alerts]) {
      const used = metricsIn(text)
      assert.ok(used.size > 10)
      for (const name of used) assert.ok(known.has(name) || types.has(name), `there is no ${name}`)
    }
    for (const [, list = ''] of `${dashboard}${alerts}`.matchAll(/\b(?:by|on) \(([^)]*)\)/g)) {
      for (const name of list.split(/, */)) {
        const isPrometheus = name === 'job' || name === 'instance'
        assert.ok(isPrometheus || labels.has(`{${name}`) || labels.has(`,${name}`), `there is no label ${name}`)
      }
    }
  })

  it('are explained, all of them and no others', async () => {
    await using local = await startLocal({ store: new FakeStore() })
    const { types } = await scrape(local)
    const own = Array.from(types.keys()).filter((name) => name.startsWith('geartrain_'))
    const explained = Array.from(manual.matchAll(/^\| `(geartrain_\w+)`/gm), ([, name]) => name)
    assert.deepEqual(new Set(explained), new Set(own))
  })

  it('say for each alert what it is and what to do', () => {
    const rules = alerts.split(/^ {6}- alert: /m).slice(1)
    assert.ok(rules.length >= 8)
    for (const rule of rules) {
      const [name = ''] = rule.split('\n', 1)
      assert.match(rule, /^ {8}expr: /m, name)
      assert.match(rule, /^ {10}severity: (?:critical|warning)$/m, name)
      assert.match(rule, /^ {10}summary: ["'].+["']$/m, name)
      assert.match(rule, /^ {10}description: >-\n {12}\S/m, name)
    }
  })

  it('have panels with queries, none of them over another one', () => {
    const { panels } = JSON.parse(dashboard) as { readonly panels: readonly Panel[] }
    const taken = new Map<string, string>()
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
    for (const { title, type, targets, gridPos } of panels) {
      assert.ok(type === 'row' || (targets ?? []).every(({ expr }) => expr !== ''), title)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          assert.equal(taken.get(`${x} ${y}`), undefined, `${title} lies over ${taken.get(`${x} ${y}`)}`)
          taken.set(`${x} ${y}`, title)
        }
      }
    }
    const rows = panels.filter(({ type }) => type === 'row').map(({ title }) => title)
    assert.deepEqual(rows, ['Overview', 'Function $function', 'Store', 'Process'])
  })

  const isMissing = spawnSync('promtool', ['--version']).error !== undefined
  const skip = isMissing && 'promtool is missing: apt install prometheus'
  it('are what Prometheus takes', { skip }, async () => {
    const rules = spawnSync('promtool', ['check', 'config', new URL('prometheus/prometheus.yml', deploy).pathname], {
      encoding: 'utf8',
    })
    assert.equal(rules.status, 0, rules.stdout + rules.stderr)
    await using local = await startLocal({ store: new FakeStore() })
    await work(local, 'f')
    await until('it has one worker', () => local.server.connectionCount === 2)
    const metrics = spawnSync('promtool', ['check', 'metrics'], { input: await scrapeText(local), encoding: 'utf8' })
    // It finds fault with some of Node's own names, and says so with 3; what can't be read is 1.
    const faults = metrics.stderr.split('\n').filter((line) => line.startsWith('geartrain_') || line.includes('error'))
    assert.deepEqual(faults, [], metrics.stderr)
    assert.notEqual(metrics.status, 1)
  })
})

/** What is read of a panel. */
interface Panel {
  readonly id: number
  readonly title: string
  readonly type: string
  readonly targets?: readonly { readonly expr: string }[]
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
}
