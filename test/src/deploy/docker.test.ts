import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, it } from 'node:test'
import { environmentName, readEnvironment, resolveSettings, settings } from '@geartrain/server'
import { parse } from 'yaml'
import { z } from 'zod'
import { repositoryRoot } from '../support/peers.ts'

// There need be no docker where the tests run: what the files name is looked for, and what they run is run without it.

const folder = join(repositoryRoot, 'deploy/docker')
/** Lines that are continued are one. */
const dockerfile = readFileSync(join(folder, 'Dockerfile'), 'utf8').replaceAll('\\\n', '')
const ignored = readFileSync(join(folder, 'Dockerfile.dockerignore'), 'utf8').split('\n')

function instructions(name: string): string[] {
  return [...dockerfile.matchAll(new RegExp(`^ *${name} (.*)$`, 'gm'))].map(([, rest = '']) => rest.trim())
}

function readJson(text: string): readonly string[] {
  return z.array(z.string()).parse(JSON.parse(text))
}

const environment = Object.fromEntries(
  [
    ...instructions('ENV')
      .join(' ')
      .matchAll(/(\S+?)=(\S+)/g),
  ].map(([, name = '', value = '']) => [name, value]),
)
const entrypoint = readJson(instructions('ENTRYPOINT')[0] ?? '[]')
const healthcheck = readJson(/CMD (\[.*\])/.exec(instructions('HEALTHCHECK')[0] ?? '')?.[1] ?? '[]')

const seconds = z
  .string()
  .regex(/^\d+s$/)
  .transform((text) => Number(text.slice(0, -1)))
const service = z.looseObject({
  build: z.strictObject({ context: z.string(), dockerfile: z.string() }).optional(),
  environment: z.record(z.string(), z.string()).optional(),
  volumes: z.array(z.string()),
  ports: z.array(z.string()),
  stop_grace_period: seconds.optional(),
})
const compose = z
  .strictObject({ services: z.record(z.string(), service), volumes: z.record(z.string(), z.null()) })
  .parse(parse(readFileSync(join(folder, 'docker-compose.yml'), 'utf8')))

describe('deploy/docker', () => {
  it('settings of the image and of docker-compose are settings, with values that are allowed', () => {
    for (const given of [environment, { ...environment, ...compose.services['geartrain']?.environment }]) {
      const { source, notes } = readEnvironment(given)
      assert.deepEqual(notes, [])
      assert.equal(source.size, Object.keys(given).filter((name) => name.startsWith('GEARTRAIN_')).length)
      assert.equal(resolveSettings([source]).listen, '*')
    }
    assert.ok(environmentName('http') in environment)
  })

  it('what is copied is there, and let through to the build', () => {
    const let_ = ignored.filter((line) => line.startsWith('!')).map((line) => line.slice(1))
    for (const path of let_) assert.ok(existsSync(join(repositoryRoot, path)), path)
    assert.ok(ignored.includes('*'))
    for (const path of instructions('COPY').filter((rest) => rest.startsWith('--from=build'))) {
      const [, source = ''] = path.split(' ')
      const inRepository = source.replace('/build/', '')
      assert.ok(inRepository === 'node_modules' || let_.includes(inRepository), path)
    }
  })

  it('runs as a user without rights, with its store on a volume of that user', () => {
    assert.deepEqual(instructions('USER'), ['node'])
    const [volume = '-'] = instructions('VOLUME')
    assert.equal(environment['GEARTRAIN_STORE'], `sqlite:${volume}/geartrain.db`)
    assert.ok(instructions('RUN').some((rest) => rest.includes('-o node') && rest.endsWith(volume)))
    assert.ok(compose.services['geartrain']?.volumes.includes(`geartrain-data:${volume}`))
  })

  it('docker waits longer for it than it takes to stop', () => {
    const { stop_grace_period = 0, environment: own = {} } = compose.services['geartrain'] ?? {}
    const grace = settings.grace.type.parse(own['GEARTRAIN_GRACE'] ?? '')
    assert.ok(grace !== undefined && stop_grace_period * 1000 >= grace + 20_000)
  })

  it('what docker-compose mounts is there, its own volumes are declared, and its ports are for this machine', () => {
    for (const { volumes, ports, build } of Object.values(compose.services)) {
      for (const volume of volumes) {
        const [source = ''] = volume.split(':')
        if (source.startsWith('.')) assert.ok(existsSync(join(folder, source)), volume)
        else assert.ok(source in compose.volumes, volume)
      }
      for (const port of ports) assert.match(port, /^127\.0\.0\.1:\d+:\d+$/)
      if (build === undefined) continue
      assert.equal(resolve(folder, build.context), resolve(repositoryRoot))
      assert.ok(existsSync(join(folder, build.context, build.dockerfile)))
    }
  })

  it('Prometheus finds the server, and Grafana Prometheus and the dashboard', () => {
    const prometheus = readFileSync(join(repositoryRoot, 'deploy/prometheus/prometheus.yml'), 'utf8')
    assert.match(prometheus, /geartrain:4731/)
    assert.equal(compose.services['geartrain']?.environment?.['GEARTRAIN_HTTP_HOSTS'], 'geartrain')
    const datasources = z.looseObject({ datasources: z.tuple([z.looseObject({ url: z.string() })]) })
    const read = (file: string): unknown => parse(readFileSync(join(folder, 'grafana', file), 'utf8'))
    assert.equal(datasources.parse(read('datasources.yml')).datasources[0].url, 'http://prometheus:9090')
    const dashboards = z.looseObject({
      providers: z.tuple([z.looseObject({ options: z.strictObject({ path: z.string() }) })]),
    })
    const { path } = dashboards.parse(read('dashboards.yml')).providers[0].options
    assert.ok(compose.services['grafana']?.volumes.includes(`../grafana:${path}:ro`))
    const files = readdirSync(join(repositoryRoot, 'deploy/grafana'))
    assert.ok(files.some((file) => file.endsWith('.json')))
  })
})

describe('what the Dockerfile builds', { timeout: 150_000 }, () => {
  let directory = ''
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'geartrain-image-'))
  })
  after(() => rmSync(directory, { recursive: true, force: true }))

  it('builds of what is let through, runs, and is found healthy', async () => {
    for (const path of ignored.filter((line) => line.startsWith('!')).map((line) => line.slice(1))) {
      cpSync(join(repositoryRoot, path), join(directory, path), {
        recursive: true,
        filter: (source) => !['node_modules', 'dist'].includes(basename(source)),
      })
    }
    // What `npm ci` would install is taken from here: the packages of the repository are those of the copy.
    for (const entry of readdirSync(join(repositoryRoot, 'node_modules'))) {
      mkdirSync(join(directory, 'node_modules/@geartrain'), { recursive: true })
      if (entry === '@geartrain' || entry === 'geartrain') continue
      symlinkSync(join(repositoryRoot, 'node_modules', entry), join(directory, 'node_modules', entry))
    }
    for (const name of ['protocol', 'engine', 'server', 'client']) {
      symlinkSync(`../../packages/${name}`, join(directory, 'node_modules/@geartrain', name))
    }
    symlinkSync('../packages/cli', join(directory, 'node_modules/geartrain'))
    const { scripts } = z
      .looseObject({ scripts: z.record(z.string(), z.string()) })
      .parse(JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')))
    // What npm runs by itself when it has installed.
    const [, ...prepare] = (scripts['prepare'] ?? '').split(' ')
    const built = spawnSync(process.execPath, prepare, { cwd: directory, encoding: 'utf8' })
    assert.equal(built.status, 0, built.stdout + built.stderr)

    const [, script = '', ...args] = entrypoint
    const run = (more: Readonly<Record<string, string>>) =>
      spawn(process.execPath, [script.replace('/app', directory), ...args, ...readJson(commandOf())], {
        cwd: directory,
        env: { ...environment, GEARTRAIN_PORT: '0', GEARTRAIN_HTTP: '127.0.0.1:0', ...more },
        stdio: ['ignore', 'ignore', 'pipe'],
      })

    // Nobody is let in by default where there are no rules.
    const unguarded = run({ GEARTRAIN_STORE: 'memory' })
    let complaint = ''
    unguarded.stderr.on('data', (chunk: Buffer) => {
      complaint += chunk.toString()
    })
    const [exitCode] = await once(unguarded, 'close')
    assert.notEqual(exitCode, 0)
    assert.match(complaint, /insecure/)

    const server = run({ GEARTRAIN_INSECURE: 'true', GEARTRAIN_STORE: `sqlite:${join(directory, 'geartrain.db')}` })
    try {
      const ready = z.looseObject({ http: z.string(), msg: z.string() })
      let http = ''
      for await (const line of createInterface({ input: server.stderr })) {
        const said = ready.safeParse(JSON.parse(line))
        if (!said.success) continue
        http = said.data.http
        break
      }
      const [, ...check] = healthcheck.map((part) => part.replace('127.0.0.1:4731', http))
      assert.ok(check.at(-1)?.includes(http))
      assert.equal(spawnSync(process.execPath, check, { encoding: 'utf8' }).status, 0)
      server.kill('SIGTERM')
      assert.deepEqual(await once(server, 'exit'), [0, null])
      // And not when it is gone.
      assert.equal(spawnSync(process.execPath, check, { encoding: 'utf8' }).status, 1)
    } finally {
      server.kill('SIGKILL')
    }
  })
})

/** The arguments that the image has by default. */
function commandOf(): string {
  return /^CMD (\[.*\])$/m.exec(dockerfile)?.[1] ?? '[]'
}
