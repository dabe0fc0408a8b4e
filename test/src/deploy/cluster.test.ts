import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { readConfigFile, readEnvironment, resolveSettings } from '@geartrain/server'
import { parse, parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { repositoryRoot } from '../support/peers.ts'

// There need be neither docker nor Kubernetes where the tests run: what the files set is read as a server reads it.

const graceMs = 10_000 + 10_000

const resource = z.looseObject({
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }),
  stringData: z.record(z.string(), z.string()).optional(),
  data: z.record(z.string(), z.string()).optional(),
  spec: z
    .looseObject({
      clusterIP: z.string().optional(),
      template: z
        .looseObject({
          spec: z.looseObject({
            terminationGracePeriodSeconds: z.number(),
            containers: z.array(
              z.looseObject({
                env: z.array(z.looseObject({ name: z.string(), value: z.string().optional() })),
                ports: z.array(z.looseObject({ containerPort: z.number() })),
                livenessProbe: probe(),
                readinessProbe: probe(),
              }),
            ),
          }),
        })
        .optional(),
    })
    .optional(),
})

function probe() {
  return z.looseObject({ httpGet: z.looseObject({ path: z.string() }) })
}

describe('docker-compose.cluster.yml', () => {
  const service = z.looseObject({
    environment: z.record(z.string(), z.string()),
    ports: z.array(z.string()).optional(),
    stop_grace_period: z.string().optional(),
  })
  const text = readFileSync(join(repositoryRoot, 'deploy/docker/docker-compose.cluster.yml'), 'utf8')
  const { services } = z
    .looseObject({ services: z.record(z.string(), service) })
    .parse(parse(text, { merge: true, customTags: ['merge'] }))
  const servers = Object.entries(services).filter(([name]) => name !== 'database')

  it('two servers that know the same database and the same token, each by its own name', () => {
    assert.equal(servers.length, 2)
    for (const [name, { environment, stop_grace_period: patience }] of servers) {
      const values = settingsOf(environment)
      assert.equal(values['server-name'], name)
      assert.equal(values['cluster-address'], `${name}:4730`)
      assert.match(values.store, /^postgres:\/\/geartrain@database\//)
      assert.equal(environment['PGPASSWORD'], services['database']?.environment['POSTGRES_PASSWORD'])
      assert.ok(Number.parseInt(patience ?? '', 10) * 1000 >= values.grace + graceMs)
    }
    const tokens = new Set(servers.map(([, { environment }]) => environment['GEARTRAIN_CLUSTER_TOKEN']))
    assert.equal(tokens.size, 1)
  })

  it('ports are for this machine alone', () => {
    for (const port of servers.flatMap(([, { ports = [] }]) => ports)) assert.match(port, /^127\.0\.0\.1:/)
  })
})

describe('kubernetes/geartrain.yaml', () => {
  const text = readFileSync(join(repositoryRoot, 'deploy/kubernetes/geartrain.yaml'), 'utf8')
  const documents = parseAllDocuments(text).map((document) => resource.parse(document.toJS()))
  const find = (kind: string, name = 'geartrain') => {
    const found = documents.find((each) => each.kind === kind && each.metadata.name === name)
    assert.ok(found, `${kind} ${name}`)
    return found
  }
  const { containers, terminationGracePeriodSeconds } = find('StatefulSet').spec?.template?.spec ?? { containers: [] }
  const [container] = containers
  assert.ok(container)
  const environment = {
    ...find('Secret').stringData,
    ...Object.fromEntries(container.env.map(({ name, value }) => [name, value ?? 'pod-0'])),
  }

  it('sets what there is to set', () => {
    const values = settingsOf(environment)
    assert.match(values.store, /^postgres:\/\//)
    assert.equal(find('Service', 'geartrain-pods').spec?.clusterIP, 'None')
    assert.match(environment['GEARTRAIN_CLUSTER_ADDRESS'] ?? '', /\.geartrain-pods:4730$/)
    assert.ok((terminationGracePeriodSeconds ?? 0) * 1000 >= values.grace + graceMs)
  })

  it('has a configuration file that a server takes, and ports and probes that it has', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'geartrain-deploy-'))
    try {
      const file = join(directory, 'geartrain.toml')
      writeFileSync(file, find('ConfigMap').data?.['geartrain.toml'] ?? '')
      const { source } = await readConfigFile(file)
      const values = resolveSettings([source])
      assert.deepEqual(
        container.ports.map(({ containerPort }) => containerPort),
        [values.port, 4731],
      )
      assert.equal(values.http, '0.0.0.0:4731')
      assert.deepEqual(
        [container.livenessProbe.httpGet.path, container.readinessProbe.httpGet.path],
        ['/healthz', '/readyz'],
      )
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})

/** As a server reads its environment: every name must be a setting's, and every value one that it takes. */
function settingsOf(environment: Readonly<Record<string, string>>) {
  const { source, notes } = readEnvironment(environment)
  assert.deepEqual(notes, [])
  assert.equal(
    source.size,
    Object.keys(environment).filter((name) => name.startsWith('GEARTRAIN_') && name !== 'GEARTRAIN_CONFIG').length,
  )
  return resolveSettings([source])
}
