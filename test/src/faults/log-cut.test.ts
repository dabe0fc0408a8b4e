import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { setImmediate as nextIteration } from 'node:timers/promises'
import { scratch } from '../cli/command.ts'
import { Random } from '../simulation/random.ts'
import { openSqlite } from '../store/parts.ts'
import { connect, PACKET, type RawPeer, request } from '../support/raw.ts'
import {
  endOfLog,
  frameBytes,
  frameHeaderBytes,
  heldBy,
  logHeaderBytes,
  type Moment,
  Opening,
  type Remains,
  readRemains,
} from './cut-log.ts'
import { DurableServer } from './durable-server.ts'
import { createdHandle } from './sample.ts'

/** CUT_EVERYWHERE=1: at every byte, which takes an hour. */
const isEverywhere = process.env['CUT_EVERYWHERE'] === '1'
const seed = Number(process.env['SEED'] ?? Date.now() % 1e6)
const drawnPositions = 300
const rounds = 12

const directory = scratch()
/** Where databases are opened by the hundred; what survives a crash of the machine is not the question here. */
const memory = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'geartrain-log-'))
after(() => {
  directory[Symbol.dispose]()
  rmSync(memory, { recursive: true })
})

/** What a client does in a round: one commit, and when it is acknowledged another moment. */
async function round(client: RawPeer, index: number, held: Map<string, string>): Promise<void> {
  if (index % 4 === 3) {
    const [unique = '', handle] = [...held][index % held.size] ?? []
    client.sendLine(`cancel job ${handle}`)
    assert.equal(await client.receiveText('\n'), 'OK\r\n')
    held.delete(unique)
    return
  }
  const names = Array.from({ length: 1 + (index % 5) }, (_, i) => `r${index}.${i}`)
  const packets = names.map((unique, i) => {
    const type = i === 2 ? PACKET.SUBMIT_JOB_HIGH_BG : PACKET.SUBMIT_JOB_BG
    return request(type, 'f', unique, 'w'.repeat(i === 1 ? 9000 : 100))
  })
  // In one piece, so that it is one commit.
  client.sendBytes(Buffer.concat(packets))
  for (const unique of names) held.set(unique, await createdHandle(client))
}

/** A server that is killed after so many rounds; halfway, with `isBegunAnew`, its log is begun from the start. */
async function makeRemains(name: string, isBegunAnew: boolean): Promise<Remains> {
  const path = directory.path(`${name}.db`)
  await using server = await DurableServer.start(path)
  await using client = await connect(server.port, 'client')
  const held = new Map<string, string>()
  let moments: Moment[] = [{ logBytes: 0, uniques: [] }]
  for (let index = 0; index < rounds; index++) {
    if (isBegunAnew && index === rounds / 2) {
      const other = openSqlite(path)
      other.pragma('wal_checkpoint(RESTART)')
      other.close()
      moments = [{ logBytes: 0, uniques: [...held.keys()] }]
    }
    await round(client, index, held)
    moments.push({ logBytes: endOfLog(readFileSync(`${path}-wal`)), uniques: [...held.keys()] })
  }
  await server.kill()
  const remains = readRemains(path, moments)
  assert.equal(remains.log.length > endOfLog(remains.log), isBegunAnew)
  return remains
}

/** Every end of a frame and its neighbours, every byte of the first headers, and some drawn by the seed. */
function positions(log: Buffer): number[] {
  if (isEverywhere) return Array.from({ length: log.length + 1 }, (_, i) => i)
  const random = new Random(seed)
  const found = new Set<number>()
  for (let at = 0; at <= logHeaderBytes + frameHeaderBytes; at++) found.add(at)
  for (let end = logHeaderBytes; end <= log.length; end += frameBytes) {
    for (const at of [end - 1, end, end + 1]) found.add(at)
  }
  for (let i = 0; i < drawnPositions; i++) found.add(random.between(0, log.length - 1))
  return [...found].filter((at) => at <= log.length).toSorted((a, b) => a - b)
}

const killed = await makeRemains('killed', false)
const begunAnew = await makeRemains('anew', true)
const opening = new Opening(memory)

for (const [name, remains] of [
  ['the log of a server that was killed', killed],
  ['a log that was begun anew over an older one', begunAnew],
] as const) {
  describe(name, () => {
    const { database, log, moments } = remains
    const everything = moments.at(-1)?.uniques ?? []

    it('grows with each commit', () => {
      const lengths = moments.map(({ logBytes }) => logBytes)
      assert.equal(new Set(lengths).size, moments.length)
      assert.equal(lengths.at(-1), endOfLog(log))
    })

    it(`cut anywhere has all commits before and none after (seed ${seed})`, async () => {
      for (const at of positions(log)) {
        const found = opening.uniquesIn(database, log.subarray(0, at))
        assert.deepEqual(found, heldBy(remains, at), `cut at ${at} of ${log.length}`)
        await nextIteration()
      }
    })

    it(`with a byte changed anywhere has all commits before it, and none after (seed ${seed})`, async () => {
      for (const at of positions(log)) {
        if (at === log.length) continue
        const bytes = Buffer.from(log)
        bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8))
        // All before the frame with the byte is sound; what is of the older log does not count.
        const frame = at < logHeaderBytes ? 0 : at - ((at - logHeaderBytes) % frameBytes)
        const found = opening.uniquesIn(database, bytes)
        assert.deepEqual(found, heldBy(remains, frame), `changed at ${at} of ${log.length}`)
        await nextIteration()
      }
    })

    it('with anything behind it has all', () => {
      for (const length of [1, frameBytes, 10 * frameBytes]) {
        const found = opening.uniquesIn(database, Buffer.concat([log, Buffer.alloc(length, 7)]))
        assert.deepEqual(found, everything)
      }
    })

    it('removed leaves what is in the database', () => {
      assert.deepEqual(opening.uniquesIn(database, undefined), moments[0]?.uniques)
    })
  })
}
