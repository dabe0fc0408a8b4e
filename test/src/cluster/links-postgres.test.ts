import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type LocalOptions, LocalServer } from '../server/local-server.ts'
import { sharedPostgres } from '../support/postgres/shared-postgres.ts'
import { PACKET } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { submit, take } from './links-cluster.ts'

const postgres = sharedPostgres()
const { skip } = postgres

async function serverOn(url: string, name: string, options: LocalOptions = {}): Promise<LocalServer> {
  return LocalServer.start({
    store: url,
    serverName: name,
    handlePrefix: `H:${name}`,
    clusterToken: 'gt_x',
    ...options,
  })
}

it('servers that share a queue on PostgreSQL do foreground jobs for each other', { skip }, async () => {
  const { url } = await postgres.createDatabase()
  await using a = await serverOn(url, 'A')
  await using b = await serverOn(url, 'B')
  const isLinked = ({ server }: LocalServer) => server.links.open.to.length + server.links.open.from.length === 2
  await until('they were linked', () => isLinked(a) && isLinked(b))

  const worker = await b.connect('worker at B')
  worker.send(PACKET.CAN_DO, 'f')
  worker.send(PACKET.PRE_SLEEP)
  const client = await a.connect('client at A')
  await submit(client, 'f', 'u', 'x')
  const { args } = await take(worker)
  worker.send(PACKET.WORK_COMPLETE, args[0] ?? '', 'done')
  assert.equal((await client.receive()).data.toString(), 'done')

  // And one of the queue, of which the ledger does not say how far it is.
  worker.send(PACKET.PRE_SLEEP)
  client.send(PACKET.SUBMIT_JOB_BG, 'f', 'v', 'x')
  const handle = (await client.receive('JOB_CREATED')).body.toString('latin1')
  const [own = ''] = (await take(worker)).args
  worker.send(PACKET.WORK_STATUS, own, '3', '10')
  await worker.sync()
  client.send(PACKET.GET_STATUS, handle)
  assert.deepEqual((await client.receive('STATUS_RES')).args, [handle, '1', '1', '3', '10'])
  worker.send(PACKET.WORK_COMPLETE, own, '')
  await worker.sync()
})
