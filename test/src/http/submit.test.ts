import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { request } from 'node:http'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { defaultLimits } from '@geartrain/server'
import { PACKET } from '../support/raw.ts'
import { apiOf, originOf, startLocal } from './local-http.ts'

const run = promisify(execFile)

interface Problem {
  readonly code: string
  readonly detail: string
}

async function problemOf(answer: Response): Promise<Problem & { readonly status: number }> {
  assert.equal(answer.headers.get('content-type'), 'application/problem+json; charset=utf-8')
  // The schema of problems is checked by `api`.
  const { code, detail } = (await answer.json()) as Problem
  return { status: answer.status, code, detail }
}

test('a job in the background is kept when the answer comes, and a worker gets the bytes', async () => {
  await using local = await startLocal()
  const api = await apiOf(local)
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index)
  const answer = await api.call('submitJob', { params: { function: 'f' }, body: bytes })
  assert.equal(answer.status, 202)
  const { handle, function: name } = (await answer.json()) as { handle: string; function: string }
  assert.equal(name, 'f')
  assert.equal(answer.headers.get('location'), `/api/jobs/${handle}`)
  assert.equal(local.server.engine.jobCount, 1)
  const worker = await local.connect('worker')
  worker.send(PACKET.CAN_DO, 'f')
  worker.send(PACKET.GRAB_JOB)
  const assigned = await worker.receive('JOB_ASSIGN')
  assert.equal(assigned.args[0], handle)
  assert.deepEqual(new Uint8Array(assigned.data), bytes)
  worker.send(PACKET.WORK_COMPLETE, handle, '')
  await worker.sync()
})

test('an empty body is an empty workload, whatever type a body says it has', async () => {
  await using local = await startLocal()
  const api = await apiOf(local)
  for (const [body, type] of [
    ['', undefined],
    ['a=b', 'application/x-www-form-urlencoded'],
    ['{"not json', 'application/json'],
    ['x', 'a/b; c="d"'],
  ] as const) {
    const answer = await api.call('submitJob', {
      params: { function: 'f' },
      body,
      ...(type === undefined ? {} : { headers: { 'content-type': type } }),
    })
    assert.equal(answer.status, 202, type)
  }
  assert.deepEqual(
    Array.from(local.server.engine.jobs(), ({ workload }) => Buffer.from(workload).toString()),
    ['', 'a=b', '{"not json', 'x'],
  )
})

test('a type that is none is refused', async () => {
  await using local = await startLocal()
  const api = await apiOf(local)
  const call = { params: { function: 'f' }, body: 'x', headers: { 'content-type': 'nonsense' } }
  const { status, code } = await problemOf(await api.call('submitJob', call))
  assert.deepEqual([status, code], [415, 'UNSUPPORTED_MEDIA_TYPE'])
})

test('options come in the query or as headers', async () => {
  await using local = await startLocal()
  const api = await apiOf(local)
  const params = { function: 'f' }
  const ways = [
    { query: { priority: 'high', unique: 'ü', delay: '1h', attempts: '3', then: 'größe', reducer: 'r' } },
    {
      headers: {
        'x-geartrain-priority': 'high',
        // Headers are bytes, which fetch takes as characters.
        'x-geartrain-unique': Buffer.from('ü').toString('latin1'),
        'X-Geartrain-Delay': '1h',
        'x-geartrain-attempts': '3',
        'x-geartrain-then': Buffer.from('größe').toString('latin1'),
        'x-geartrain-reducer': 'r',
      },
    },
  ]
  for (const way of ways) {
    assert.equal((await api.call('submitJob', { params, body: 'x', ...way })).status, 202)
    const [job] = local.server.engine.jobs()
    assert.ok(job !== undefined)
    const { priority, unique, state, options, then, reducer } = job
    assert.deepEqual(
      { priority, unique, state, options, then, reducer },
      {
        priority: 0,
        unique: Buffer.from('ü').toString('latin1'),
        state: 'delayed',
        options: '{"attempts":"3"}',
        then: Buffer.from('größe').toString('latin1'),
        reducer: 'r',
      },
    )
    local.server.engine.cancel(job.number)
  }
})

test('a traceparent goes with the job; what is none is passed over', async () => {
  await using local = await startLocal()
  const api = await apiOf(local)
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  for (const each of [traceparent, 'nonsense', traceparent.replaceAll(/[\da-f]/g, '0')]) {
    const call = { params: { function: 'f' }, body: 'x', headers: { traceparent: each } }
    assert.equal((await api.call('submitJob', call)).status, 202)
  }
  assert.deepEqual(
    Array.from(local.server.engine.jobs(), ({ trace }) => trace),
    [traceparent, '', ''],
  )
})

test('run-at is a date', async () => {
  await using local = await startLocal()
  const api = await apiOf(local)
  const json = await api.json('submitJob', { params: { function: 'f' }, query: { 'run-at': '2099-01-01T00:00:00Z' } })
  const { handle } = json as { handle: string }
  const job = (await api.json('getJob', { params: { handle } })) as { state: string; runAt: number }
  assert.equal(job.state, 'delayed')
  assert.ok(Math.abs(job.runAt - Date.UTC(2099, 0, 1)) < 2000, String(job.runAt))
})

const mistakes: readonly (readonly [query: Record<string, string>, headers: Record<string, string>, says: RegExp])[] = [
  [{ priority: 'urgent' }, {}, /"priority" in the query/],
  [{ colour: 'red' }, {}, /colour/],
  [{ delay: 'soon' }, {}, /delay must be a time/],
  [{ delay: '1s', 'run-at': '2099-01-01' }, {}, /"delay" and "run-at" do not go together/],
  [{ 'run-at': 'tomorrow' }, {}, /a date is like/],
  [{ wait: 'a bit' }, {}, /"wait" in the query/],
  [{ wait: '', delay: '1s' }, {}, /"wait" and "delay" do not go together/],
  [{ stream: 'perhaps' }, {}, /"stream" in the query/],
  [{ unique: 'u'.repeat(65) }, {}, /at most 64 bytes/],
  [{ unique: 'a\0b' }, {}, /no NUL/],
  [{ then: '' }, {}, /"then" in the query/],
  [{ attempts: 'many' }, {}, /attempts must be/],
  [{ concurrency: '3' }, {}, /concurrency/],
  [{ timezone: 'UTC' }, {}, /go with "schedule"/],
  [{ schedule: '61 * * * *' }, {}, /cron/],
  [{ schedule: '90s', attempts: '3' }, {}, /"attempts" does not go with "schedule"/],
  [{ schedule: '90s', wait: '' }, {}, /"wait" and "schedule" do not go together/],
  [{ priority: 'low' }, { 'x-geartrain-priority': 'low' }, /give it once/],
  [{}, { 'x-geartrain-priority': 'urgent' }, /"x-geartrain-priority" in the headers/],
  [{}, { 'x-geartrain-colour': 'red' }, /there is no header x-geartrain-colour/],
  [{}, { 'x-geartrain-unique': '\xfc' }, /is no UTF-8/],
]

test('what can not be meant is refused with a sentence, and submits nothing', async (context) => {
  await using local = await startLocal()
  const api = await apiOf(local)
  for (const [query, headers, says] of mistakes) {
    await context.test(JSON.stringify([query, headers]), async () => {
      const answer = await api.call('submitJob', { params: { function: 'f' }, body: 'x', query, headers })
      const { status, code, detail } = await problemOf(answer)
      assert.deepEqual([status, code], [400, 'BAD_REQUEST'], detail)
      assert.match(detail, says)
    })
  }
  assert.equal(local.server.engine.jobCount, 0)
})

test('a repeated option is refused', async () => {
  await using local = await startLocal()
  const answer = await fetch(`${originOf(local)}/api/functions/f/jobs?priority=low&priority=high`, { method: 'POST' })
  assert.equal(answer.status, 400)
})

/** A request with a path as it is, which fetch would put in order. */
function post(
  local: { readonly server: { readonly httpAddress: { readonly port: number } | undefined } },
  path: string,
): Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; rawHeaders: string[] }> {
  return new Promise((resolve, reject) => {
    const sent = request({
      host: '127.0.0.1',
      port: local.server.httpAddress?.port,
      method: 'POST',
      path,
      agent: false,
    })
    sent.once('error', reject)
    sent.once('response', (response) => {
      response.resume()
      response.once('end', () => {
        const { statusCode = 0, headers, rawHeaders } = response
        resolve({ status: statusCode, headers, rawHeaders })
      })
    })
    sent.end('x')
  })
}

test('names in the path are bytes of UTF-8, and none of them gets out of its place', async () => {
  await using local = await startLocal()
  const names: readonly (readonly [path: string, name: string | number])[] = [
    ['%C3%BC', Buffer.from('ü').toString('latin1')],
    ['a%2Fb', 'a/b'],
    ['..%2F..%2Fetc', '../../etc'],
    ['%0D%0AX-Evil:%201', '\r\nX-Evil: 1'],
    ['a%20b', 'a b'],
    ['n'.repeat(512), 'n'.repeat(512)],
    ['n'.repeat(513), 400],
    ['a%00b', 400],
    ['%FF', 400],
    ['%zz', 400],
    ['', 400],
  ]
  for (const [path, expected] of names) {
    const answer = await post(local, `/api/functions/${path}/jobs`)
    assert.equal(answer.headers['x-evil'], undefined, path)
    if (typeof expected === 'number') {
      assert.equal(answer.status, expected, path)
      continue
    }
    assert.equal(answer.status, 202, path)
    const jobs = [...local.server.engine.jobs()]
    assert.equal(jobs.at(-1)?.function.name, expected)
  }
  // Here it is a name like any other.
  assert.equal((await post(local, '/api/functions/../jobs')).status, 202)
})

test('the prefix of handles can be anything, and stays out of the headers', async () => {
  await using local = await startLocal({ handlePrefix: 'H:\r\nx-evil: 1\xfc/..' })
  const api = await apiOf(local)
  const answer = await api.call('submitJob', { params: { function: 'f' }, body: 'x' })
  assert.equal(answer.headers.get('x-evil'), null)
  const { handle } = (await answer.json()) as { handle: string }
  const location = answer.headers.get('location') ?? ''
  assert.equal(decodeURIComponent(location), `/api/jobs/${handle}`)
  const shown = await fetch(originOf(local) + location)
  assert.equal(((await shown.json()) as { handle: string }).handle, handle)
})

test('a full queue, a drained function and a body that is too large are refused, each with its code', async () => {
  await using local = await startLocal({
    functions: { full: { 'max-queue': '1' }, drained: { draining: 'true' } },
    limits: { ...defaultLimits, httpBodyBytesMax: 1000, packetBytesMax: 900 },
  })
  const api = await apiOf(local)
  const submit = (name: string, body = 'x') => api.call('submitJob', { params: { function: name }, body })
  assert.equal((await submit('full')).status, 202)
  assert.deepEqual(await problemOf(await submit('full')), {
    status: 429,
    code: 'QUEUE_FULL',
    detail: 'job queue is full',
  })
  const drained = await problemOf(await submit('drained'))
  assert.deepEqual([drained.status, drained.code], [503, 'FUNCTION_DRAINING'])
  for (const bytes of [950, 1001]) {
    const { status, code } = await problemOf(await submit('f', 'x'.repeat(bytes)))
    assert.deepEqual([status, code], [413, 'BODY_TOO_LARGE'])
  }
  // Names in the options have six bytes a character on the way.
  const long = { params: { function: 'f' }, query: { then: 'ü'.repeat(60) }, body: 'x'.repeat(600) }
  const before = await api.json('listConnections')
  assert.equal((await problemOf(await api.call('submitJob', long))).code, 'BODY_TOO_LARGE')
  const idsOf = (answer: unknown) => (answer as { connections: { id: unknown }[] }).connections.map(({ id }) => id)
  assert.deepEqual(idsOf(await api.json('listConnections')), idsOf(before), 'it is the end of no connection')
  // The others who submit have noticed nothing.
  assert.equal((await submit('f')).status, 202)
})

test('many at once get each its own answer, refusals among them', async () => {
  await using local = await startLocal({ functions: { full: { 'max-queue': '1' } } })
  const origin = originOf(local)
  await fetch(`${origin}/api/functions/full/jobs`, { method: 'POST', body: 'x' })
  const answers = await Promise.all(
    Array.from({ length: 300 }, async (_, index) => {
      const name = index % 3 === 0 ? 'full' : `f${index}`
      const answer = await fetch(`${origin}/api/functions/${name}/jobs`, { method: 'POST', body: String(index) })
      return [answer.status, ((await answer.json()) as { handle?: string }).handle] as const
    }),
  )
  const byHandle = new Map(
    Array.from(local.server.engine.jobs(), (job) => [job.function.name, Buffer.from(job.workload).toString()]),
  )
  const handles = new Set<string>()
  for (const [index, [status, handle]] of answers.entries()) {
    assert.equal(status, index % 3 === 0 ? 429 : 202)
    if (handle === undefined) continue
    handles.add(handle)
    assert.equal(byHandle.get(`f${index}`), String(index))
    const shown = (await (await fetch(`${origin}/api/jobs/${handle}`)).json()) as { function: string }
    assert.equal(shown.function, `f${index}`)
  }
  assert.equal(handles.size, 200)
})

test('one unique is one job, and `-` is the workload', async () => {
  await using local = await startLocal()
  const api = await apiOf(local)
  const submit = async (unique: string, body: string) => {
    const json = await api.json('submitJob', { params: { function: 'f' }, query: { unique }, body })
    return (json as { handle: string }).handle
  }
  assert.equal(await submit('u', 'a'), await submit('u', 'b'))
  assert.equal(await submit('-', 'a'), await submit('-', 'a'))
  assert.notEqual(await submit('-', 'a'), await submit('-', 'b'))
})

test('with schedule it is a schedule that is made', async () => {
  await using local = await startLocal()
  const api = await apiOf(local)
  const params = { function: 'report' }
  const query = { schedule: '0 3 * * *', timezone: 'Europe/Berlin', 'schedule-name': 'nächtlich', unique: 'u' }
  const answer = await api.call('submitJob', { params, query, body: 'all' })
  assert.equal(answer.status, 201)
  assert.equal(answer.headers.get('location'), `/api/schedules/${encodeURIComponent('nächtlich')}`)
  const other = await api.call('submitJob', { params, query: { schedule: '90s' } })
  const { name } = (await other.json()) as { name: string }
  assert.match(name, /^http-[\da-f]{16}$/)
  assert.equal(local.server.engine.jobCount, 0)
})

test('a server that stops takes no more', async () => {
  const local = await startLocal()
  const api = await apiOf(local)
  const { worker, handle } = await local.jobInHand('f')
  const closed = local.server.close(30_000)
  const { status, code } = await problemOf(await api.call('submitJob', { params: { function: 'f' }, body: 'x' }))
  assert.deepEqual([status, code], [503, 'SHUTTING_DOWN'])
  worker.send(PACKET.WORK_COMPLETE, handle, '')
  await closed
  await local[Symbol.asyncDispose]()
})

test('curl and PHP submit as the description says', async () => {
  await using local = await startLocal()
  const url = `${originOf(local)}/api/functions/mail/jobs?priority=high&unique=a&attempts=5`
  const { stdout } = await run('curl', ['-si', '-d', 'a@example.com', url])
  assert.match(stdout, /^HTTP\/1\.1 202 Accepted\r\n/)
  const script = `$context = stream_context_create(['http' => ['method' => 'POST', 'content' => 'b@example.com',
    'header' => "Content-Type: text/plain\\r\\nX-Geartrain-Unique: b"]]);
    echo json_decode(file_get_contents($argv[1], false, $context))->handle, " ", $http_response_header[0];`
  const php = await run('php', ['-r', script, `${originOf(local)}/api/functions/mail/jobs`])
  assert.match(php.stdout, /^H:\S+ HTTP\/1\.1 202 Accepted$/)
  assert.deepEqual(
    Array.from(local.server.engine.jobs(), ({ unique, workload }) => [unique, Buffer.from(workload).toString()]),
    [
      ['a', 'a@example.com'],
      ['b', 'b@example.com'],
    ],
  )
})
