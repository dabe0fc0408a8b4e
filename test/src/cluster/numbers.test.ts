import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { PACKET } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { type Member, TwoServers } from './two-servers.ts'

/** What is set aside at a time, if little is used. */
const rangeNumbers = 1_000_000
/** In this time the rest of any range may be given up. */
const longMs = 100_000

function numberOf(handle: string): number {
  assert.match(handle, /\d{16}$/)
  return Number(handle.slice(-16))
}

async function submitMany(servers: TwoServers, member: Member, count: number): Promise<number[]> {
  const numbers: number[] = []
  for (let i = 0; i < count; i++) numbers.push(numberOf(await servers.submit(member, 'f')))
  return numbers
}

/** As if so many jobs had been submitted. */
function use({ local }: Member, count: number): void {
  const { engine } = local.server
  engine.skipTo(engine.nextNumber + count)
}

/** It has heard of that number, has asked for a range, and hears nothing of it; meanwhile it has turns. */
async function ask({ store, local, peer }: Member, heardOf: number): Promise<void> {
  store.isCut = true
  store.listener?.onNumber(heardOf)
  await until('it asked', () => local.server.isStoreBusy)
  for (let i = 0; i < 3; i++) await peer.sync()
}

function assertRising(numbers: readonly number[], what: string): void {
  for (const [index, number] of numbers.entries()) assert.ok(number > (numbers[index - 1] ?? 0), `${what}: ${number}`)
}

suite('numbers in the handles of several servers', () => {
  test('they follow the time of submission, whichever server a job comes to', async () => {
    await using servers = await TwoServers.start()
    const { a, b } = servers
    const handles: string[] = []
    for (let i = 0; i < 10; i++) {
      handles.push(await servers.submit(i % 2 === 0 ? a : b, 'f'))
      await servers.beat()
    }
    assertRising(handles.map(numberOf), 'in turn')
    for (const member of [a, b])
      for (const handle of handles) assert.equal(await servers.status(member, handle), 'known')
  })

  test('the rest of a large range is given up after a while, and not each second', async () => {
    await using servers = await TwoServers.start()
    const { a, b, disk } = servers
    use(b, rangeNumbers / 2)
    await servers.submit(b, 'f')
    await servers.beat()
    const large = disk.ranges.findLast(({ server }) => server === 'B')
    assert.ok(large !== undefined && large.count > 10 * rangeNumbers, 'it was used up quickly')
    const ranges = disk.ranges.length
    await servers.submit(a, 'f')
    await servers.beat()
    const higher = await servers.submit(a, 'f')
    await servers.beat()
    assert.ok(numberOf(await servers.submit(b, 'f')) < numberOf(higher))
    assert.equal(disk.ranges.length, ranges)
    servers.clock.advance(longMs)
    await servers.beat()
    assert.ok(numberOf(await servers.submit(b, 'f')) > numberOf(higher))
  })

  test('servers that do nothing write nothing', async () => {
    await using servers = await TwoServers.start()
    const { a, b, disk } = servers
    await servers.beat()
    assert.deepEqual(
      disk.ranges.map(({ server }) => server),
      ['A', 'B'],
      'nobody has used any',
    )
    await servers.submit(a, 'f')
    await servers.beat()
    assert.equal(disk.ranges.length, 2, 'those of B are above')
    await servers.submit(b, 'f')
    for (let i = 0; i < 5; i++) await servers.beat()
    const after = disk.ranges.map(({ server }) => server)
    assert.deepEqual(after, ['A', 'B', 'A'])
  })

  test('no number is given out twice, and each server counts up, while ranges are given up all the time', async () => {
    await using servers = await TwoServers.start()
    const { a, b, disk } = servers
    const members = [a, b]
    const given: number[][] = [[], []]
    for (let round = 0; round < 30; round++) {
      const submitted = members.map((member) => submitMany(servers, member, 20))
      // In the middle of it.
      servers.clock.advance(longMs)
      disk.beat()
      if (round % 3 === 0) use(a, 300_000)
      for (const [index, numbers] of (await Promise.all(submitted)).entries()) given[index]?.push(...numbers)
    }
    await servers.settle()
    for (const [index, numbers] of given.entries()) assertRising(numbers, `${members[index]?.store.serverName}`)
    const all = given.flat()
    assert.equal(new Set(all).size, all.length)
    assert.deepEqual(
      disk.jobs.map(({ number }) => number).sort((one, other) => one - other),
      all.toSorted((one, other) => one - other),
    )
    assert.ok(disk.ranges.length > 20, `${disk.ranges.length} ranges`)
    assertRising(
      disk.ranges.map(({ first }) => first),
      'ranges',
    )
  })

  for (const isKept of [true, false]) {
    test(`a range is there although the batch that asked for it was lost, and ${isKept ? '' : 'not '}kept`, async () => {
      await using servers = await TwoServers.start()
      const { a, b, disk } = servers
      const first = await servers.submit(b, 'f')
      await ask(a, numberOf(first))
      a.store.lose(isKept)
      a.store.isCut = false
      await servers.beat()
      await servers.beat()
      assert.ok(numberOf(await servers.submit(a, 'f')) > numberOf(first))
      assert.ok(disk.ranges.length <= 4, `${disk.ranges.length} ranges`)
    })
  }

  test('while a server waits for a range it asks for no other', async () => {
    await using servers = await TwoServers.start()
    const { a, b, disk } = servers
    const first = await servers.submit(b, 'f')
    await ask(a, numberOf(first))
    await a.store.goOn()
    await servers.settle()
    assert.deepEqual(
      disk.ranges.map(({ server }) => server),
      ['A', 'B', 'A'],
    )
    assert.ok(numberOf(await servers.submit(a, 'f')) > numberOf(first))
  })

  test('a server that uses many sets more aside before it needs them, and none of what is below is used again', async () => {
    await using servers = await TwoServers.start()
    const { a, disk } = servers
    const numbers: number[] = []
    for (let i = 0; i < 40; i++) {
      numbers.push(numberOf(await servers.submit(a, 'f')))
      use(a, rangeNumbers / 3)
      await servers.settle()
    }
    assertRising(numbers, 'A')
    for (const number of numbers) {
      const ranges = disk.ranges.filter(({ first, count }) => number >= first && number < first + count)
      assert.deepEqual(
        ranges.map(({ server }) => server),
        ['A'],
        `${number}`,
      )
    }
    assert.ok(disk.ranges.length < 7, 'they become larger')
    const jumps = numbers.filter((number, index) => number > (numbers[index - 1] ?? number) + rangeNumbers / 2)
    assert.equal(jumps.length, 1, 'to above those of the other server, and then they are next to each other')
  })

  test('a number that was asked for to see whether the store works again is not given out', async () => {
    await using servers = await TwoServers.start()
    const { a, disk } = servers
    a.store.isFull = true
    a.peer.send(PACKET.SUBMIT_JOB_BG, 'f', '', '')
    assert.equal((await a.peer.receive('ERROR')).name, 'ERROR')
    a.store.isFull = false
    await servers.beat()
    assert.deepEqual(
      disk.ranges.map(({ count }) => count),
      [rangeNumbers, rangeNumbers, 1],
    )
    const [range] = disk.ranges
    assert.ok(range)
    const numbers = await submitMany(servers, a, 3)
    assert.ok(numbers.every((number) => number >= range.first && number < range.first + range.count))
  })

  test('a server that can not have more refuses submissions before its numbers end, and goes on when it has some', async () => {
    await using servers = await TwoServers.start()
    const { a, disk } = servers
    const client = await a.local.connect('client')
    const submit = async (): Promise<string> => {
      client.send(PACKET.SUBMIT_JOB, 'f', '', '')
      const { name, body } = await client.receive('an answer')
      return `${name} ${body.toString('latin1')}`
    }
    const [, range] = disk.ranges
    assert.ok(range)
    a.store.isCut = true
    use(a, rangeNumbers - 10_005)
    const answers: string[] = []
    for (let i = 0; i < 10; i++) answers.push(await submit())
    const refused = answers.filter((answer) => answer.startsWith('ERROR '))
    assert.equal(refused.length, 5, answers.join('\n'))
    for (const answer of answers.slice(0, 5)) assert.ok(numberOf(answer) < range.first)
    await a.store.goOn()
    await servers.settle()
    const after = await submit()
    assert.match(after, /^JOB_CREATED/)
    assert.ok(numberOf(after) > range.first)
  })

  // A copy that was behind takes the place of the database, as one does that is not waited for.
  for (const isAsking of [false, true]) {
    const way = isAsking ? 'and another server was just asking' : 'and nobody was asking'
    test(`what was set aside just before the database was lost, and is forgotten, is not given out by two, ${way}`, async () => {
      await using servers = await TwoServers.start()
      const { a, b, disk } = servers
      const numbers: number[] = []
      // More than microseconds have passed.
      for (let i = 0; i < 10; i++) {
        numbers.push(...(await submitMany(servers, b, 1)))
        use(b, rangeNumbers / 3)
        await servers.settle()
      }
      const fallBack = disk.behind()
      await servers.beat()
      numbers.push(...(await submitMany(servers, a, 3)))
      if (isAsking) {
        servers.clock.advance(longMs)
        await ask(b, numbers.at(-1) ?? 0)
      }
      fallBack()
      for (const { store } of [a, b]) {
        store.lose(false)
        store.isCut = false
      }
      await until('the store was given up', () => !b.local.server.isStoreBusy)
      servers.clock.advance(1000)
      await servers.beat()
      for (let round = 0; round < 5; round++) {
        for (const member of [b, a, a, b]) numbers.push(...(await submitMany(servers, member, 3)))
        await servers.beat()
      }
      assert.equal(new Set(numbers).size, numbers.length)
    })
  }
})
