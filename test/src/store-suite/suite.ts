import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Addition } from './batch.ts'
import { Counter, type Place } from './counter.ts'
import { modelTest } from './model.ts'
import { promotedMax } from './parts.ts'

/** What every store must do. */
export function storeSuite(name: string, makePlace: () => Promise<Place>): void {
  /** With an open store on an empty place. */
  function it(title: string, body: (store: Counter, place: Place) => Promise<void>): void {
    test(title, async () => {
      const place = await makePlace()
      try {
        const store = await Counter.open(place)
        try {
          await body(store, place)
        } finally {
          await store.close()
        }
      } finally {
        await place.remove()
      }
    })
  }

  suite(`${name}: opening`, () => {
    it('an empty store has nothing', async (store) => {
      assert.deepEqual(store.state.functions, [])
      assert.equal(store.state.nextDueAt, Number.POSITIVE_INFINITY)
      assert.deepEqual(await store.list(), [])
      assert.deepEqual(await store.claim(), [])
    })

    it('the first number is not below the one that is asked for', async (store) => {
      assert.equal((await store.reopen(1_795_286_112_000_001)).firstNumber, 1_795_286_112_000_001)
    })

    it('the first number is not below one that was reserved, however small the next reservation', async (store) => {
      await store.do({ reserveUntil: 5000 })
      await store.do({ reserveUntil: 300 })
      assert.equal((await store.reopen(10)).firstNumber, 5000)
      assert.equal((await store.openAgain(10)).firstNumber, 5000)
      assert.equal((await store.reopen(6000)).firstNumber, 6000)
    })

    it('the first number is above every job', async (store) => {
      await store.add({ number: 1000 }, { number: 7 })
      assert.equal((await store.reopen(10)).firstNumber, 1001)
    })

    it('jobs are counted by function and priority, delayed ones apart, and functions without any are not there', async (store) => {
      await store.add(
        { number: 1, function: 'f' },
        { number: 2, function: 'f', priority: 0 },
        { number: 3, function: 'f', priority: 2, isClaimed: true },
        { number: 4, function: 'f', priority: 2 },
        { number: 5, function: 'g', runAt: 70 },
        { number: 6, function: 'g', runAt: 60, priority: 2 },
        { number: 7, function: 'h' },
      )
      await store.do({ forget: [7] })
      const expected = {
        functions: [
          { name: 'f', ready: [1, 1, 2], delayed: 0 },
          { name: 'g', ready: [0, 0, 0], delayed: 2 },
        ],
        nextDueAt: 60,
      }
      const { functions, nextDueAt } = await store.reopen()
      assert.deepEqual({ functions, nextDueAt }, expected)
    })

    for (const how of ['reopen', 'openAgain'] as const) {
      it(`after ${how} what was claimed is ready again, in its old place`, async (store) => {
        await store.add({ number: 1, isClaimed: true }, { number: 2, isClaimed: true }, { number: 3 }, { number: 4 })
        assert.deepEqual(await store.claimNumbers({ jobsMax: 1 }), [3])
        await store[how]()
        assert.deepEqual(await store.claimNumbers(), [1, 2, 3, 4])
      })
    }
  })

  suite(`${name}: claims`, () => {
    it('jobs come out as they went in, the oldest first, each once', async (store) => {
      const jobs = [
        { number: 3, unique: 'u', reducer: 'r', workload: 'abc' },
        { number: 9, unique: '', reducer: '', workload: '' },
        { number: 4, unique: '-', reducer: 'reduce', workload: '\0\xff' },
      ]
      await store.add(...jobs)
      const given = (await store.claim()).map(({ workload, ...job }) => ({
        ...job,
        workload: workload.toString('latin1'),
      }))
      assert.deepEqual(
        given,
        jobs.map((job) => ({ ...job, priority: 1, runAt: 0 })),
      )
      assert.deepEqual(await store.claim(), [])
    })

    it('each priority of each function has a line of its own', async (store) => {
      const lines = (['f', 'g'] as const).flatMap((name) =>
        ([0, 1, 2] as const).map((priority) => ({ name, priority })),
      )
      await store.add(
        ...Array.from({ length: 18 }, (_, i) => {
          const { name, priority } = lines[i % 6] ?? {}
          return { number: i, function: name ?? '', priority: priority ?? 1 }
        }),
      )
      for (const [i, { name, priority }] of lines.entries()) {
        assert.deepEqual(await store.claimNumbers({ function: name, priority }), [i, i + 6, i + 12])
      }
      assert.deepEqual(await store.claimNumbers({ function: 'h' }), [])
    })

    it('no more than asked for, and the next claim goes on from there', async (store) => {
      await store.add(...numbered(1, 7))
      assert.deepEqual(await store.claimNumbers({ jobsMax: 3 }), [1, 2, 3])
      assert.deepEqual(await store.claimNumbers({ jobsMax: 3 }), [4, 5, 6])
      assert.deepEqual(await store.claimNumbers({ jobsMax: 3 }), [7])
    })

    it('workloads up to the bound, and one at least', async (store) => {
      const sizes = [100, 50, 50, 51, 0, 0, 500]
      await store.add(...sizes.map((size, i) => ({ number: i + 1, workload: 'x'.repeat(size) })))
      assert.deepEqual(await store.claimNumbers({ bytesMax: 99 }), [1])
      assert.deepEqual(await store.claimNumbers({ bytesMax: 100 }), [2, 3])
      assert.deepEqual(await store.claimNumbers({ bytesMax: 0 }), [4, 5, 6].slice(0, 1))
      assert.deepEqual(await store.claimNumbers({ bytesMax: 499 }), [5, 6])
      assert.deepEqual(await store.claimNumbers({ bytesMax: 1 }), [7])
    })

    it('several in one batch, after its additions', async (store) => {
      const claim = { kind: 'claim', function: 'f', priority: 1, jobsMax: 2, bytesMax: 100 } as const
      const { answers } = await store.do({ add: numbered(1, 5), requests: [claim, claim, claim] })
      assert.deepEqual(
        answers.map((answer) => (answer.kind === 'claim' ? answer.count : -1)),
        [2, 2, 1],
      )
    })

    it('what was added as claimed is not given out, what comes after it is', async (store) => {
      await store.add({ number: 1, isClaimed: true }, { number: 2, isClaimed: true }, { number: 3 })
      assert.deepEqual(await store.claimNumbers(), [3])
      await store.add({ number: 4, isClaimed: true })
      await store.add({ number: 5 })
      assert.deepEqual(await store.claimNumbers(), [5])
      assert.deepEqual(await store.numbers(), [1, 2, 3, 4, 5])
    })

    it('what was added as claimed is passed over wherever it stands', async (store) => {
      const add = Array.from({ length: 12 }, (_, i) => ({ number: i + 1, isClaimed: i % 3 !== 0 }))
      await store.add(...add)
      await store.do({ forget: [2], cancel: [3] })
      assert.deepEqual(await store.claimNumbers({ jobsMax: 2 }), [1, 4])
      await store.add({ number: 13, isClaimed: true }, { number: 14 })
      await store.do({ forget: [5, 12, 1] })
      assert.deepEqual(await store.claimNumbers(), [7, 10, 14])
      await store.reopen()
      assert.deepEqual(await store.claimNumbers(), [4, 6, 7, 8, 9, 10, 11, 13, 14])
    })

    it('one added as claimed moves only the line of its own priority and function', async (store) => {
      await store.add({ number: 1, priority: 0 }, { number: 2, function: 'g' }, { number: 3, isClaimed: true })
      assert.deepEqual(await store.claimNumbers({ priority: 0 }), [1])
      assert.deepEqual(await store.claimNumbers({ function: 'g' }), [2])
    })

    it('what was forgotten or cancelled is not given out, nor does it come back', async (store) => {
      await store.add(...numbered(1, 5))
      assert.deepEqual(await store.claimNumbers({ jobsMax: 2 }), [1, 2])
      await store.do({ forget: [1, 3], cancel: [4] })
      assert.deepEqual(await store.claimNumbers(), [5])
      await store.reopen()
      assert.deepEqual(await store.claimNumbers(), [2, 5])
    })

    it('a joining addition gives nothing to claim, and moves no line', async (store) => {
      await store.add({ number: 1, unique: 'u', isClaimed: true })
      await store.add({ number: 2, unique: 'u', isClaimed: true }, { number: 3 })
      assert.deepEqual(await store.claimNumbers(), [3])
    })
  })

  suite(`${name}: joining`, () => {
    it('one with the same function and unique', async (store) => {
      assert.deepEqual(await store.add({ number: 1, unique: 'u' }), [])
      assert.deepEqual(await store.add({ number: 2, unique: 'u', workload: 'other', priority: 0 }), [[2, 1]])
      assert.deepEqual(await store.add({ number: 3, unique: 'u', function: 'g' }), [])
      assert.deepEqual(await store.add({ number: 4, unique: 'U' }), [])
      assert.deepEqual(await store.numbers(), [1, 3, 4])
    })

    it('one that is running, delayed, or from before the store was opened', async (store) => {
      await store.add({ number: 1, unique: 'running' }, { number: 2, unique: 'delayed', runAt: 90 })
      await store.claim()
      assert.deepEqual(await store.add({ number: 3, unique: 'running' }, { number: 4, unique: 'delayed' }), [
        [3, 1],
        [4, 2],
      ])
      assert.deepEqual(await store.add({ number: 5, unique: 'running', runAt: 5 }), [[5, 1]])
      await store.reopen()
      assert.deepEqual(await store.add({ number: 6, unique: 'running' }, { number: 7, unique: 'delayed' }), [
        [6, 1],
        [7, 2],
      ])
    })

    it('none that has ended, in the same batch or before', async (store) => {
      await store.add({ number: 1, unique: 'u' }, { number: 2, unique: 'v' })
      const { joined } = await store.do({
        forget: [1],
        cancel: [2],
        add: [
          { number: 3, unique: 'u' },
          { number: 4, unique: 'v' },
        ],
      })
      assert.deepEqual(joined, Float64Array.of())
      await store.do({ forget: [3, 4] })
      assert.deepEqual(await store.add({ number: 5, unique: 'u' }, { number: 6, unique: 'v' }), [])
    })

    it('one of the same batch: the first stays', async (store) => {
      const add = Array.from({ length: 100 }, (_, i) => ({ number: i + 1, unique: `u${i % 10}` }))
      assert.deepEqual(
        await store.add(...add),
        add.slice(10).map(({ number }, i) => [number, (i % 10) + 1]),
      )
      assert.deepEqual(await store.numbers(), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    })

    it('the first of a batch stays, whether it is ready, delayed or neither', async (store) => {
      const joined = await store.add(
        { number: 10, unique: 'a', runAt: 5 },
        { number: 11, unique: 'a' },
        { number: 12, unique: 'b' },
        { number: 13, unique: 'b', runAt: 5 },
        // Numbers need not go up.
        { number: 9, unique: 'c' },
        { number: 14, unique: 'c' },
        { number: 8, unique: 'b' },
      )
      assert.deepEqual(joined, [
        [11, 10],
        [13, 12],
        [14, 9],
        [8, 12],
      ])
    })

    it('nobody without a unique', async (store) => {
      await store.add({ number: 1, workload: 'x' }, { number: 2, workload: 'x' }, { number: 3 }, { number: 4 })
      assert.deepEqual(await store.numbers(), [1, 2, 3, 4])
    })

    it('- joins one with - and the same workload', async (store) => {
      const dash = (number: number, workload: string, name = 'f') => ({ number, unique: '-', workload, function: name })
      assert.deepEqual(await store.add(dash(1, 'x'), dash(2, 'y'), dash(3, 'x', 'g')), [])
      assert.deepEqual(await store.add(dash(4, 'x'), dash(5, 'y'), dash(6, 'x', 'g'), dash(7, 'z')), [
        [4, 1],
        [5, 2],
        [6, 3],
      ])
      assert.deepEqual(await store.add({ number: 8, unique: 'x', workload: 'x' }, { number: 9, unique: '-x' }), [])
    })

    it('- with an empty workload joins nobody', async (store) => {
      assert.deepEqual(await store.add({ number: 1, unique: '-' }, { number: 2, unique: '-' }), [])
    })

    it('- looks at every byte of a workload', async (store) => {
      const size = 300_000
      const changedAt = (at: number) => {
        const workload = Buffer.alloc(size, 'x')
        workload[at] = 0
        return workload
      }
      const places = [0, 1, 32_767, 32_768, 150_000, 150_001, size - 32_769, size - 32_768, size - 1]
      const workloads = [
        ...places.map(changedAt),
        Buffer.alloc(size, 'x'),
        Buffer.alloc(size - 1, 'x'),
        Buffer.alloc(size + 1, 'x'),
      ]
      const dashes = (from: number) => workloads.map((workload, i) => ({ number: from + i, unique: '-', workload }))
      assert.deepEqual(await store.add(...dashes(1)), [])
      assert.deepEqual(
        await store.add(...dashes(101)),
        workloads.map((_, i) => [101 + i, 1 + i]),
      )
    })

    it('an addition that comes again joins itself', async (store) => {
      const add = [
        { number: 1, unique: 'u' },
        { number: 2 },
        { number: 3, runAt: 9 },
        { number: 4, unique: '-' },
        { number: 5, unique: 'v', runAt: 7 },
      ]
      await store.add(...add)
      const again = [
        [1, 1],
        [2, 2],
        [3, 3],
        [4, 4],
        [5, 5],
      ]
      assert.deepEqual(await store.add(...add), again)
      const { functions } = await store.reopen()
      assert.deepEqual(functions, [{ name: 'f', ready: [0, 3, 0], delayed: 2 }])
      assert.deepEqual(await store.add(...add, { number: 6 }), again)
      assert.deepEqual(await store.add({ number: 7 }, { number: 7 }), [[7, 7]])
      assert.deepEqual(await store.claimNumbers(), [1, 2, 4, 6, 7])
    })

    it('an addition that comes again joins the job that it had joined', async (store) => {
      await store.add({ number: 1, unique: 'u' })
      const add = [
        { number: 2, unique: 'u' },
        { number: 3, unique: 'w' },
      ]
      await store.add(...add)
      assert.deepEqual(await store.add(...add), [
        [2, 1],
        [3, 3],
      ])
    })

    it('of many, those that are new are added', async (store) => {
      await store.add(...unique(1, 1000, (i) => i * 3))
      const joined = await store.add(...unique(2001, 1000, (i) => i))
      assert.deepEqual(
        joined,
        Array.from({ length: 334 }, (_, i) => [2001 + i * 3, 1 + i]),
      )
      assert.equal((await store.claim({ jobsMax: 5000 })).length, 1000 + 1000 - 334)
    })
  })

  suite(`${name}: delayed jobs`, () => {
    it('become ready when they are due, and not before', async (store) => {
      await store.add({ number: 1, runAt: 100 }, { number: 2, runAt: 101 }, { number: 3, runAt: 100, priority: 0 })
      assert.deepEqual(await store.claim(), [])
      assert.deepEqual(await promote(store, 99), { promoted: [], nextDueAt: 100 })
      assert.deepEqual(await promote(store, 100), {
        promoted: [
          { function: 'f', priority: 0, count: 1 },
          { function: 'f', priority: 1, count: 1 },
        ],
        nextDueAt: 101,
      })
      assert.deepEqual(await store.claimNumbers(), [1])
      assert.deepEqual(await store.claimNumbers({ priority: 0 }), [3])
      assert.equal((await promote(store, 5000)).nextDueAt, Number.POSITIVE_INFINITY)
      assert.deepEqual(await store.claimNumbers(), [2])
      assert.equal((await store.find(2))?.runAt, 0)
    })

    it('go to the end of the line, the one that was due first before the others', async (store) => {
      await store.add({ number: 5, runAt: 30 }, { number: 4, runAt: 20 }, { number: 3, runAt: 30 }, { number: 1 })
      await store.do({ add: [{ number: 2 }], promoteUntil: 30 })
      await store.add({ number: 6 })
      const expected = [1, 2, 4, 3, 5, 6]
      assert.deepEqual(await store.claimNumbers(), expected)
      await store.reopen()
      assert.deepEqual(await store.claimNumbers(), expected)
    })

    it('stand behind what was claimed', async (store) => {
      await store.add({ number: 1, runAt: 30 }, ...numbered(2, 3))
      await store.claim()
      await promote(store, 30)
      assert.deepEqual(await store.claimNumbers(), [1])
    })

    it('keep all that they came with', async (store) => {
      await store.add({ number: 1, runAt: 30, unique: 'u', reducer: 'r', workload: 'w', priority: 2 })
      await promote(store, 30)
      const [job] = await store.claim({ priority: 2 })
      assert.deepEqual(
        { ...job, workload: String(job?.workload) },
        { number: 1, runAt: 0, unique: 'u', reducer: 'r', workload: 'w', priority: 2 },
      )
    })

    it(`at most ${promotedMax} in one batch, and the next is then due at once`, async (store) => {
      await store.add(...Array.from({ length: promotedMax + 1 }, (_, i) => ({ number: i + 1, runAt: 10 + i })))
      const until = 10 + promotedMax
      assert.deepEqual(await promote(store, until), {
        promoted: [{ function: 'f', priority: 1, count: promotedMax }],
        nextDueAt: until,
      })
      assert.deepEqual(await promote(store, until), {
        promoted: [{ function: 'f', priority: 1, count: 1 }],
        nextDueAt: Number.POSITIVE_INFINITY,
      })
    })

    it('are due when the store says so: those of the batch count, those that are cancelled do not', async (store) => {
      await store.add({ number: 1, runAt: 50 }, { number: 2, runAt: 60 })
      assert.equal((await store.do({ cancel: [1], promoteUntil: 0 })).nextDueAt, 60)
      assert.equal((await store.do({ add: [{ number: 3, runAt: 55 }], promoteUntil: 0 })).nextDueAt, 55)
      assert.equal((await store.do({ forget: [3], promoteUntil: 0 })).nextDueAt, 60)
      assert.equal((await store.do({ add: [{ number: 4, runAt: 1 }] })).nextDueAt, undefined)
      assert.equal((await store.reopen()).nextDueAt, 1)
    })

    it('of a batch that promotes are promoted by it', async (store) => {
      const { promoted } = await store.do({ add: [{ number: 1, runAt: 50 }], promoteUntil: 50 })
      assert.deepEqual(promoted, [{ function: 'f', priority: 1, count: 1 }])
    })

    it('are due at any time there is', async (store) => {
      const far = 8_640_000_000_000_000
      await store.add({ number: 1, runAt: far }, { number: 2, runAt: 1 })
      assert.equal((await promote(store, far - 1)).nextDueAt, far)
      assert.equal((await store.find(1))?.runAt, far)
    })
  })

  suite(`${name}: ends`, () => {
    it('cancel says which were there: ready, delayed, claimed', async (store) => {
      await store.add(
        { number: 1, unique: 'u' },
        { number: 2, runAt: 9, priority: 2 },
        { number: 3, priority: 0, function: 'g' },
      )
      await store.claim()
      const { cancelled } = await store.do({ cancel: [3, 99, 2, 1, 1] })
      assert.deepEqual(cancelled, [
        { number: 3, function: 'g', unique: '', priority: 0, runAt: 0 },
        { number: 2, function: 'f', unique: '', priority: 2, runAt: 9 },
        { number: 1, function: 'f', unique: 'u', priority: 1, runAt: 0 },
      ])
      assert.deepEqual((await store.reopen()).functions, [])
    })

    it('what is not there is forgotten in silence', async (store) => {
      await store.add(...numbered(1, 100))
      await store.do({ forget: [1, 1, 500, ...Array.from({ length: 90 }, (_, i) => i)] })
      assert.deepEqual(await store.numbers(), [90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100])
      assert.deepEqual((await store.reopen()).functions, [{ name: 'f', ready: [0, 11, 0], delayed: 0 }])
    })

    it('a batch forgets, then cancels, then adds', async (store) => {
      await store.add({ number: 1 }, { number: 2 })
      const { cancelled, joined } = await store.do({
        forget: [1, 3],
        cancel: [1, 2, 4],
        add: [{ number: 2 }, { number: 3 }, { number: 4 }],
      })
      assert.deepEqual(
        cancelled.map(({ number }) => number),
        [2],
      )
      assert.deepEqual(joined, Float64Array.of())
      assert.deepEqual(await store.numbers(), [2, 3, 4])
    })
  })

  suite(`${name}: look-ups`, () => {
    it('by number', async (store) => {
      await store.add({ number: 1, unique: 'u', priority: 2 }, { number: 2, runAt: 77, function: 'g' })
      assert.deepEqual(await store.find(1), { number: 1, function: 'f', unique: 'u', priority: 2, runAt: 0 })
      assert.deepEqual(await store.find(2), { number: 2, function: 'g', unique: '', priority: 1, runAt: 77 })
      assert.equal(await store.find(3), undefined)
    })

    it('by unique: of any function, the one with the lowest number', async (store) => {
      await store.add(
        { number: 5, unique: 'u', function: 'g' },
        { number: 3, unique: 'u' },
        { number: 4, unique: 'u', function: 'h' },
      )
      assert.equal(await store.findUnique('u'), 3)
      await store.do({ forget: [3] })
      assert.equal(await store.findUnique('u'), 4)
      assert.equal(await store.findUnique('v'), undefined)
    })

    it('no job is found by an empty unique or by -', async (store) => {
      await store.add({ number: 1 }, { number: 2, unique: '-', workload: 'x' }, { number: 3, unique: '-' })
      assert.equal(await store.findUnique(''), undefined)
      assert.equal(await store.findUnique('-'), undefined)
    })

    it('the one that an addition would join', async (store) => {
      await store.add(
        { number: 1, unique: 'u' },
        { number: 2, unique: '-', workload: 'x' },
        { number: 3, unique: '-' },
        { number: 4 },
        { number: 5, unique: 'w', runAt: 5 },
      )
      assert.equal(await store.findSame('u', 'whatever'), 1)
      assert.equal(await store.findSame('u', '', 'g'), undefined)
      assert.equal(await store.findSame('v'), undefined)
      assert.equal(await store.findSame('-', 'x'), 2)
      assert.equal(await store.findSame('-', 'y'), undefined)
      assert.equal(await store.findSame('-', ''), undefined)
      assert.equal(await store.findSame(''), undefined)
      assert.equal(await store.findSame('w'), 5)
    })

    it('a listing goes by number and can be continued', async (store) => {
      await store.add(
        { number: 3 },
        { number: 1, runAt: 9 },
        { number: 2, function: 'g', isClaimed: true },
        { number: 9 },
      )
      assert.deepEqual(await store.list(0, 2), [
        { number: 1, function: 'f', unique: '', priority: 1, runAt: 9 },
        { number: 2, function: 'g', unique: '', priority: 1, runAt: 0 },
      ])
      assert.deepEqual(
        (await store.list(2, 2)).map(({ number }) => number),
        [3, 9],
      )
      assert.deepEqual(await store.list(9), [])
    })

    it('each request has its answer, in order, and sees what the batch has written', async (store) => {
      const { answers } = await store.do({
        add: [{ number: 1, unique: 'u' }],
        requests: [
          { kind: 'find', number: 2 },
          { kind: 'claim', function: 'f', priority: 1, jobsMax: 9, bytesMax: 9 },
          { kind: 'list', after: 0, jobsMax: 9 },
          { kind: 'find unique', unique: 'u' },
          { kind: 'find same', function: 'f', unique: 'u', workload: new Uint8Array(0) },
        ],
      })
      assert.deepEqual(
        answers.map(({ kind }) => kind),
        ['find', 'claim', 'list', 'find', 'find'],
      )
    })
  })

  suite(`${name}: bytes`, () => {
    const every = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte))
    const texts = [
      ...every,
      every.join(''),
      Buffer.from('Größe 龍 🚂').toString('latin1'),
      // A mark of byte order; half a character; one that is longer than it need be; a surrogate; beyond the last one.
      '\xef\xbb\xbfx',
      '\xe9\xbe',
      '\xc0\xaf',
      '\xed\xa0\x80',
      '\xf4\x90\x80\x80',
      'x\0y',
      'x'.repeat(5000),
    ]

    it('names and workloads come back byte by byte, from disk too', async (store) => {
      const add = texts.map((text, i) => ({
        number: i + 1,
        function: text,
        unique: `u${text}`,
        reducer: text,
        workload: text,
      }))
      assert.deepEqual(await store.add(...add), [])
      await store.reopen()
      for (const { number, function: name, unique, reducer, workload } of add) {
        const jobs = await store.claim({ function: name })
        const seen = jobs.map((job) => ({ ...job, workload: job.workload.toString('latin1') }))
        assert.deepEqual(seen, [{ number, unique, reducer, workload, priority: 1, runAt: 0 }])
        assert.equal((await store.find(number))?.function, name)
        assert.equal((await store.find(number))?.unique, unique)
      }
    })

    it('uniques are told apart by every byte', async (store) => {
      const uniques = texts.filter((text) => text !== '-')
      assert.deepEqual(await store.add(...uniques.map((each, i) => ({ number: i + 1, unique: each }))), [])
      const again = await store.add(...uniques.map((each, i) => ({ number: i + 1001, unique: each })))
      assert.deepEqual(
        again,
        uniques.map((_, i) => [i + 1001, i + 1]),
      )
      for (const [i, each] of uniques.entries()) assert.equal(await store.findUnique(each), i + 1)
    })

    it('an empty name is a name', async (store) => {
      await store.add({ number: 1, function: '' })
      assert.deepEqual((await store.reopen()).functions, [{ name: '', ready: [0, 1, 0], delayed: 0 }])
    })
  })

  suite(`${name}: sizes`, () => {
    it('workloads of 20 MB', async (store) => {
      const workload = Buffer.alloc(20_000_000, 'large ')
      await store.add(
        { number: 1, workload, unique: '-' },
        { number: 2, workload: 'small' },
        { number: 3, workload, runAt: 5 },
      )
      assert.deepEqual(await store.add({ number: 4, workload, unique: '-' }), [[4, 1]])
      await promote(store, 5)
      await store.reopen()
      assert.ok((await store.claim({ bytesMax: 1 }))[0]?.workload.equals(workload))
      assert.deepEqual(await store.claimNumbers({ bytesMax: 20_000_005 }), [2, 3])
    })

    it('ten thousand functions', async (store) => {
      const names = Array.from({ length: 10_000 }, (_, i) => `function ${i}`)
      await store.add(...names.map((name, i) => ({ number: i + 1, function: name, unique: name })))
      const { functions } = await store.reopen()
      assert.deepEqual(new Set(functions.map((each) => each.name)), new Set(names))
      const requests = names.map(
        (each) => ({ kind: 'claim', function: each, priority: 1, jobsMax: 5, bytesMax: 100 }) as const,
      )
      const { answers } = await store.do({
        requests,
        forget: names.map((_, i) => i + 1).filter((number) => number % 2 === 0),
      })
      assert.deepEqual(
        answers.map((answer) => (answer.kind === 'claim' ? answer.count : -1)),
        names.map((_, i) => (i + 1) % 2),
      )
      assert.equal((await store.reopen()).functions.length, 5000)
    })
  })

  suite(`${name}: no room`, () => {
    const workloadBytes = 100_000
    const large = (number: number): Addition => ({ number, workload: Buffer.alloc(workloadBytes / 10) })

    test('a batch that finds none is not done at all, its requests are answered, and then there is room again', async () => {
      const place = await makePlace()
      const store = await Counter.open(place, place.makeSmallStore(workloadBytes))
      try {
        await store.add({ number: 1, unique: 'u' }, { number: 2 }, { number: 3, runAt: 5 })
        let number = 10
        let full = await store.tryTo({ add: [large(number)] })
        while (full.failure === undefined && number < 100) full = await store.tryTo({ add: [large(++number)] })
        assert.equal(full.failure?.code, 'SQLITE_FULL')
        const before = await store.list()

        const lost = await store.tryTo({
          forget: [1],
          cancel: [2],
          add: [
            { number: 101, unique: 'u' },
            { number: 102, function: 'new', isClaimed: true },
            ...[103, 104, 105, 106].map(large),
          ],
          promoteUntil: 5,
          reserveUntil: 1e6,
          requests: [
            { kind: 'list', after: 0, jobsMax: 1000 },
            { kind: 'claim', function: 'f', priority: 1, jobsMax: 2, bytesMax: 1000 },
          ],
        })
        const { failure, joined, cancelled, promoted, nextDueAt, answers } = lost
        assert.deepEqual([failure?.code, failure?.isBroken], ['SQLITE_FULL', false])
        assert.deepEqual(
          { joined, cancelled, promoted, nextDueAt },
          { joined: Float64Array.of(), cancelled: [], promoted: [], nextDueAt: undefined },
        )
        const [list, claim] = answers
        assert.deepEqual(list, { kind: 'list', jobs: before })
        assert.equal(claim?.kind === 'claim' && claim.count, 2)

        await store.do({ forget: before.map((job) => job.number).filter((each) => each >= 10) })
        assert.deepEqual(await store.add({ number: 101, unique: 'u' }, { number: 102, function: 'new' }, large(103)), [
          [101, 1],
        ])
        assert.deepEqual(await store.claimNumbers({ function: 'new' }), [102])
        const state = await store.openAgain()
        assert.equal(state.firstNumber, 104)
        assert.equal(state.nextDueAt, 5)
        assert.deepEqual(
          new Map(state.functions.map((each) => [each.name, each.ready[1]])),
          new Map([
            ['f', 3],
            ['new', 1],
          ]),
        )
      } finally {
        await store.close()
        await place.remove()
      }
    })
  })

  modelTest(name, makePlace)
}

async function promote(store: Counter, until: number) {
  const { promoted, nextDueAt } = await store.do({ promoteUntil: until })
  const byPriority = promoted.toSorted((a, b) => a.priority - b.priority)
  return { promoted: byPriority, nextDueAt }
}

function numbered(from: number, count: number): Addition[] {
  return Array.from({ length: count }, (_, i) => ({ number: from + i }))
}

function unique(from: number, count: number, uniqueOf: (i: number) => number): Addition[] {
  return Array.from({ length: count }, (_, i) => ({ number: from + i, unique: `u${uniqueOf(i)}` }))
}
