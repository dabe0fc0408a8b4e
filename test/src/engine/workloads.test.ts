import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { plainPolicy, priorities } from '@geartrain/engine'
import fc from 'fast-check'
import { EngineRules } from './engine-rules.ts'
import { Job, JobFunction, type WorkloadPage, Workloads } from './parts.ts'
import { perform } from './rules.ts'

const sharedBytesMax = 8192
const pageBytesMax = 32_768

function filled(length: number, byte: number): Uint8Array {
  return new Uint8Array(length).fill(byte)
}

function keep(workloads: Workloads, length: number): WorkloadPage {
  const page = workloads.keep(filled(length, 7))
  assert.ok(page !== undefined)
  return page
}

suite('Workloads', () => {
  test('up to 8 KiB are copied to a page, larger ones and empty ones are not', () => {
    const workloads = new Workloads()
    assert.equal(workloads.keep(filled(0, 1)), undefined)
    for (const length of [1, sharedBytesMax - 1, sharedBytesMax]) {
      const page = keep(workloads, length)
      assert.deepEqual(page.bytes.subarray(page.used - length, page.used), filled(length, 7))
    }
    assert.equal(workloads.keep(filled(sharedBytesMax + 1, 1)), undefined)
  })

  test('pages begin small and double', () => {
    const workloads = new Workloads()
    const sizes = Array.from({ length: 400 }, () => keep(workloads, 512).bytes.length)
    assert.deepEqual([...new Set(sizes)], [1024, 2048, 4096, 8192, 16_384, pageBytesMax])
    assert.equal(sizes.filter((size) => size === 1024).length, 2)
  })

  test('a page has room for a workload that is larger than it would be', () => {
    const workloads = new Workloads()
    assert.equal(keep(workloads, 5000).bytes.length, 5000)
    assert.equal(keep(workloads, 1).bytes.length, 10_000)
  })

  test('a page is filled to its last byte', () => {
    const workloads = new Workloads()
    const page = keep(workloads, 1000)
    assert.equal(keep(workloads, 24), page)
    assert.equal(page.used, page.bytes.length)
    assert.notEqual(keep(workloads, 1), page)
  })

  test('a page that has emptied is filled again from its start', () => {
    const workloads = new Workloads()
    const page = keep(workloads, 300)
    for (let i = 0; i < 100; i++) {
      assert.equal(keep(workloads, 300), page)
      Workloads.release(page)
      Workloads.release(page)
      assert.equal(page.used, 0)
      assert.equal(page.live, 0)
      assert.equal(keep(workloads, 300), page)
    }
  })

  test('a page with a job on it is not written again where that lies', () => {
    const workloads = new Workloads()
    const page = keep(workloads, 300)
    keep(workloads, 300)
    Workloads.release(page)
    assert.equal(page.used, 600)
  })
})

function job(jobFunction: JobFunction, workload: Uint8Array): Job {
  return new Job(1, jobFunction, {
    function: jobFunction.name,
    unique: '',
    workload,
    priority: priorities.normal,
    background: true,
    runAt: 0,
    reducer: '',
    then: '',
    options: '',
    trace: '',
  })
}

suite("a job's workload", () => {
  test('does not hold on to the buffer it arrived in', () => {
    const received = Buffer.alloc(1 << 20, 'x')
    for (const length of [0, 1, 100, sharedBytesMax]) {
      const { workload } = job(new JobFunction('f', () => plainPolicy), received.subarray(5, 5 + length))
      assert.equal(Buffer.from(workload).toString(), 'x'.repeat(length))
      assert.notEqual(workload.buffer, received.buffer)
    }
  })

  test('above 8 KiB is the view that was given, if that is most of its buffer', () => {
    const length = sharedBytesMax + 1
    const received = filled(2 * length, 1)
    const { workload } = job(new JobFunction('f', () => plainPolicy), received.subarray(5, 5 + length))
    assert.equal(workload.buffer, received.buffer)
    assert.equal(workload.byteOffset, 5)
    assert.equal(workload.length, length)
  })

  test('above 8 KiB is a copy, if the view would keep alive more than twice its bytes', () => {
    const length = sharedBytesMax + 1
    const received = filled(2 * length + 1, 1)
    const { workload } = job(new JobFunction('f', () => plainPolicy), received.subarray(5, 5 + length))
    assert.equal(workload.buffer.byteLength, length)
    assert.deepEqual(workload, received.subarray(5, 5 + length))
  })

  test('gives its place back when the job ends, however it ends', () => {
    const rules = new EngineRules({ attemptsMax: 1 })
    const places = new Set<ArrayBufferLike>()
    for (const end of ['WORK_COMPLETE', 'WORK_FAIL', 'WORK_EXCEPTION', 'cancel', 'leaves', 'WORK_COMPLETE']) {
      for (const line of ["ann SUBMIT_JOB_BG f '' hello", 'wes CAN_DO f', 'wes GRAB_JOB']) perform(line, rules)
      const [live] = rules.engine.jobs()
      assert.equal(live?.workload.byteOffset, 0)
      places.add(live.workload.buffer)
      perform(end === 'cancel' ? `cancel #${live.number}` : `wes ${end} #${live.number}`, rules)
      assert.equal(rules.engine.jobCount, 0)
    }
    assert.equal(places.size, 1)
  })

  test('is what it was until the job ends, whatever comes and goes beside it', () => {
    const length = fc.oneof(fc.nat({ max: 300 }), fc.constantFrom(0, sharedBytesMax, sharedBytesMax + 1))
    const step = fc.record({ length, ends: fc.array(fc.nat(), { maxLength: 3 }) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100, size: 'max' }), (steps) => {
        const jobFunction = new JobFunction('f', () => plainPolicy)
        const live: { job: Job; byte: number; length: number }[] = []
        steps.forEach((one, index) => {
          const byte = index % 256
          live.push({ job: job(jobFunction, filled(one.length, byte)), byte, length: one.length })
          for (const end of one.ends) live.splice(end % (live.length || 1), 1)[0]?.job.releaseWorkload()
        })
        for (const { job: kept, byte, length: bytes } of live) {
          assert.equal(kept.workloadLength, bytes)
          assert.equal(Buffer.compare(kept.workload, filled(bytes, byte)), 0)
        }
      }),
    )
  })
})
