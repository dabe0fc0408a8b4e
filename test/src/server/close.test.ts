import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Server } from '@geartrain/server'
import { ManualClock, SteppedClock } from '../support/manual-clock.ts'
import { MemorySocket } from '../support/memory-socket.ts'
import { connect, PACKET, request } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { LocalServer, localServer } from './local-server.ts'
import { response } from './response.ts'

/** Whether a promise has been resolved by now. */
function watch(promise: Promise<unknown>): { isDone: boolean } {
  const watched = { isDone: false }
  void promise.then(() => {
    watched.isDone = true
  })
  return watched
}

class Scene {
  readonly clock = new SteppedClock()
  readonly server: Server = localServer({ handlePrefix: 'P' }, this.clock)

  connect(...said: readonly Buffer[]): MemorySocket {
    const socket = new MemorySocket()
    this.server.accept(socket)
    for (const bytes of said) socket.say(bytes)
    return socket
  }

  settle(): Promise<void> {
    return this.clock.settle()
  }

  /** Lets the server work until it has resolved the promise. */
  async resolved(promise: Promise<void>): Promise<void> {
    const watched = watch(promise)
    for (let i = 0; i < 10 && !watched.isDone; i++) await this.settle()
    assert.equal(watched.isDone, true, 'the server is at rest and has not done it')
    assert.equal(this.server.connectionCount, 0)
    await this.settle()
    assert.equal(this.clock.timerCount, 0, 'a timer is left')
  }

  /** A job in a worker's hands. */
  async jobInHand(functionName = 'f'): Promise<{ client: MemorySocket; worker: MemorySocket; handle: string }> {
    const client = this.connect(request(PACKET.SUBMIT_JOB, functionName, '', 'x'))
    await this.settle()
    const handle = client.heard().subarray(12).toString('latin1')
    const worker = this.connect(request(PACKET.CAN_DO, functionName), request(PACKET.GRAB_JOB))
    await this.settle()
    worker.heard()
    return { client, worker, handle }
  }
}

function textOf(bytes: Buffer): string {
  return bytes.toString('latin1')
}

describe('close(graceMs)', () => {
  it('without connections: at once', async () => {
    const scene = new Scene()
    await scene.resolved(scene.server.close(10_000))
    await scene.resolved(scene.server.close(10_000))
  })

  it('gives a slow reader the rest of the time to take its output', async () => {
    const scene = new Scene()
    const { client, worker, handle } = await scene.jobInHand()
    client.stopReading()
    const result = 'r'.repeat(3_000_000)
    worker.say(request(PACKET.WORK_COMPLETE, handle, result))
    await scene.settle()
    const closing = scene.server.close(10_000)
    await scene.settle()
    scene.clock.advance(9000)
    await scene.settle()
    assert.equal(client.destroyed, false)
    client.readOn()
    await scene.settle()
    assert.equal(textOf(client.heard()).endsWith(result), true)
    client.endSaying()
    worker.endSaying()
    await scene.resolved(closing)
  })

  it('cuts a slow reader off when the time is over', async () => {
    const scene = new Scene()
    const { client, worker, handle } = await scene.jobInHand()
    client.stopReading()
    worker.say(request(PACKET.WORK_COMPLETE, handle, 'r'.repeat(3_000_000)))
    await scene.settle()
    const closing = scene.server.close(10_000)
    await scene.settle()
    for (let passedMs = 0; passedMs < 10_000; passedMs += 250) {
      assert.equal(client.destroyed, false)
      scene.clock.advance(250)
      await scene.settle()
    }
    assert.equal(client.destroyed, true)
    await scene.resolved(closing)
  })

  it('waits for a running job, gives its result to its client, and then ends all connections', async () => {
    const scene = new Scene()
    const { client, worker, handle } = await scene.jobInHand()
    const closing = scene.server.close(10_000)
    const watched = watch(closing)
    await scene.settle()
    scene.clock.advance(9999)
    await scene.settle()
    assert.deepEqual([watched.isDone, client.hasEnded, worker.hasEnded], [false, false, false])
    worker.say(request(PACKET.WORK_DATA, handle, 'd'))
    await scene.settle()
    worker.say(request(PACKET.WORK_COMPLETE, handle, 'r'))
    await scene.settle()
    const data = response('WORK_DATA', handle, 'd')
    const result = response('WORK_COMPLETE', handle, 'r')
    assert.equal(textOf(client.heard()), data + result)
    assert.deepEqual([client.hasEnded, worker.hasEnded], [true, true])
    client.endSaying()
    worker.endSaying()
    await scene.resolved(closing)
  })

  it('waits no longer than the grace', async () => {
    const scene = new Scene()
    const { client, worker } = await scene.jobInHand()
    const closing = scene.server.close(10_000)
    scene.clock.advance(10_000)
    await scene.settle()
    assert.deepEqual([client.hasEnded, worker.hasEnded], [true, true])
    assert.equal(textOf(client.heard()), '')
    // Peers that do not end their side are cut off after a moment.
    scene.clock.advance(1000)
    await scene.resolved(closing)
    await scene.settle()
    assert.deepEqual([client.destroyed, worker.destroyed], [true, true])
  })

  it('a grace of 0 waits for nothing', async () => {
    const scene = new Scene()
    const { client, worker } = await scene.jobInHand()
    const closing = scene.server.close(0)
    scene.clock.advance(0)
    await scene.settle()
    client.endSaying()
    worker.endSaying()
    await scene.resolved(closing)
  })

  it('in the grace, what is said is answered, and no job is taken, given out or woken for', async () => {
    const scene = new Scene()
    const { client, worker } = await scene.jobInHand()
    const sleeper = scene.connect(request(PACKET.CAN_DO, 'g'), request(PACKET.PRE_SLEEP))
    const queued = scene.connect(request(PACKET.SUBMIT_JOB_BG, 'h', '', 'x'))
    await scene.settle()
    queued.heard()
    const closing = scene.server.close(10_000)
    const refused = response('ERROR', 'SHUTTING_DOWN', 'This server is shutting down and takes no new jobs')
    for (const packet of ['SUBMIT_JOB', 'SUBMIT_JOB_BG', 'SUBMIT_JOB_HIGH', 'SUBMIT_JOB_LOW_BG'] as const) {
      queued.say(request(PACKET[packet], 'g', '', 'x'))
      await scene.settle()
      assert.equal(textOf(queued.heard()), refused, packet)
    }
    queued.say(request(PACKET.SUBMIT_JOB_EPOCH, 'g', '', '9999999999', 'x'))
    await scene.settle()
    assert.equal(textOf(queued.heard()), refused)
    assert.equal(sleeper.heard().length, 0)
    sleeper.say(Buffer.concat([request(PACKET.CAN_DO, 'h'), request(PACKET.GRAB_JOB), request(PACKET.PRE_SLEEP)]))
    await scene.settle()
    assert.equal(textOf(sleeper.heard()), '\0RES\0\0\0\x0a\0\0\0\0')
    queued.say(Buffer.from('status\n'))
    await scene.settle()
    assert.equal(textOf(queued.heard()), 'f\t1\t1\t1\ng\t0\t0\t1\nh\t1\t0\t1\n.\n')
    for (const socket of [client, worker, sleeper, queued]) socket.destroy()
    await scene.resolved(closing)
  })

  it('a worker that leaves in the grace: its job is not given to another, and nobody is waited for', async () => {
    const scene = new Scene()
    const { client, worker } = await scene.jobInHand()
    const other = scene.connect(request(PACKET.CAN_DO, 'f'), request(PACKET.PRE_SLEEP))
    await scene.settle()
    const closing = scene.server.close(10_000)
    worker.destroy()
    await scene.settle()
    assert.equal(other.heard().length, 0)
    assert.deepEqual([client.hasEnded, other.hasEnded], [true, true])
    client.destroy()
    other.destroy()
    await scene.resolved(closing)
  })

  for (const mebibytes of [2, 8]) {
    it(`a result of ${mebibytes} MiB reaches a client that reads it late`, async () => {
      const scene = new Scene()
      const { client, worker, handle } = await scene.jobInHand()
      client.stopReading()
      const closing = scene.server.close(10_000)
      const result = request(PACKET.WORK_COMPLETE, handle, Buffer.alloc(mebibytes << 20))
      worker.say(result)
      await scene.settle()
      client.readOn()
      await scene.settle()
      assert.equal(client.heard().length, result.length)
      assert.equal(client.hasEnded, true)
      client.endSaying()
      worker.endSaying()
      await scene.resolved(closing)
    })
  }

  it('leaves no timer behind, whatever was still to come', async () => {
    const scene = new Scene()
    const peer = scene.connect(
      request(PACKET.SUBMIT_JOB_EPOCH, 'f', '', '9999999999', 'x'),
      request(PACKET.SUBMIT_JOB_BG, 'g', '', 'x'),
      request(PACKET.CAN_DO_TIMEOUT, 'g', '50000'),
      request(PACKET.GRAB_JOB),
      request(PACKET.SUBMIT_JOB_BG, 'g', '', 'x'),
    )
    const sleeper = scene.connect(request(PACKET.CAN_DO, 'g'), request(PACKET.PRE_SLEEP))
    await scene.settle()
    assert.ok(scene.clock.timerCount > 0)
    const closing = scene.server.close(0)
    scene.clock.advance(0)
    await scene.settle()
    peer.endSaying()
    sleeper.endSaying()
    await scene.resolved(closing)
  })

  it('who comes afterwards is told so', async () => {
    const scene = new Scene()
    await scene.resolved(scene.server.close(0))
    const late = new MemorySocket()
    assert.equal(scene.server.accept(late), undefined)
    await scene.settle()
    const text = 'This server is shutting down and takes no new jobs'
    assert.equal(textOf(late.heard()), response('ERROR', 'SHUTTING_DOWN', text))
    assert.equal(late.hasEnded, true)
  })

  it('told twice, the shorter grace wins, and both are told when it is done', async () => {
    const scene = new Scene()
    const { client, worker } = await scene.jobInHand()
    const patient = scene.server.close(1_000_000)
    const impatient = scene.server.close(1000)
    scene.clock.advance(1000)
    await scene.settle()
    client.endSaying()
    worker.endSaying()
    await scene.resolved(impatient)
    await scene.resolved(patient)
  })
})

describe('finishAll()', () => {
  it('without jobs: at once', async () => {
    const scene = new Scene()
    await scene.resolved(scene.server.finishAll())
  })

  it('works on until the last job is done, and then ends all connections', async () => {
    const scene = new Scene()
    const client = scene.connect(
      request(PACKET.SUBMIT_JOB, 'f', '', 'one'),
      request(PACKET.SUBMIT_JOB_BG, 'f', '', 'two'),
    )
    await scene.settle()
    const finishing = scene.server.finishAll()
    const watched = watch(finishing)
    // What comes meanwhile is part of it.
    client.say(request(PACKET.SUBMIT_JOB_BG, 'f', '', 'three'))
    await scene.settle()
    const worker = scene.connect(request(PACKET.CAN_DO, 'f'))
    for (const workload of ['one', 'two', 'three']) {
      assert.equal(watched.isDone, false)
      assert.equal(client.hasEnded, false)
      worker.heard()
      worker.say(request(PACKET.GRAB_JOB))
      await scene.settle()
      const [job = '', ...rest] = textOf(worker.heard().subarray(12)).split('\0')
      assert.deepEqual(rest, ['f', workload])
      worker.say(request(PACKET.WORK_COMPLETE, job, workload))
      await scene.settle()
    }
    assert.match(textOf(client.heard()), /one$/)
    assert.deepEqual([client.hasEnded, worker.hasEnded], [true, true])
    client.endSaying()
    worker.endSaying()
    await scene.resolved(finishing)
  })

  it('close() cuts it short', async () => {
    const scene = new Scene()
    const client = scene.connect(request(PACKET.SUBMIT_JOB_BG, 'f', '', 'x'))
    await scene.settle()
    const finishing = scene.server.finishAll()
    const closing = scene.server.close(0)
    await scene.settle()
    assert.equal(client.hasEnded, true)
    client.endSaying()
    await scene.resolved(closing)
    await scene.resolved(finishing)
  })
})

describe('on sockets', () => {
  for (const way of ['close', 'finishAll'] as const) {
    it(`${way} refuses new connections at once, and keeps those that are there`, async () => {
      const clock = new ManualClock()
      const local = await LocalServer.start({}, clock)
      const { client, worker, handle } = await local.jobInHand()
      const stopping = way === 'close' ? local.server.close(10_000) : local.server.finishAll()
      await assert.rejects(connect(local.port), /ECONNREFUSED/)
      await client.sync()
      worker.send(PACKET.WORK_COMPLETE, handle, 'r')
      assert.equal((await client.receive()).data.toString(), 'r')
      await client.expectClosed()
      await worker.expectClosed()
      await stopping
      assert.equal(local.server.connectionCount, 0)
      assert.equal(clock.timerCount, 0)
    })
  }

  it('a large result reaches its client in the grace', async () => {
    const local = await LocalServer.start()
    const client = await local.connectSlowly('client')
    client.sendBytes(request(PACKET.SUBMIT_JOB, 'f', '', 'x'))
    const handle = (await client.takePacket()).body
    const worker = await local.connect('worker')
    worker.send(PACKET.CAN_DO, 'f')
    worker.send(PACKET.GRAB_JOB)
    await worker.receive('JOB_ASSIGN')
    const closing = local.server.close(10_000)
    const result = Buffer.alloc(16 << 20, 'geartrain')
    worker.send(PACKET.WORK_COMPLETE, handle, result)
    const { body } = await client.takePacket()
    assert.ok(body.subarray(handle.length + 1).equals(result))
    client.socket.end()
    await closing
  })

  it('a port is free again when close() is done', async () => {
    const first = await LocalServer.start()
    await first.jobInHand()
    await first.server.close(0)
    const second = localServer({ port: first.port })
    assert.deepEqual(await second.listen(), [{ address: '127.0.0.1', port: first.port }])
    await second.close(0)
  })

  it('listen() on a port that is taken rejects, and the server can be closed', async () => {
    await using local = await LocalServer.start()
    const other = localServer({ port: local.port })
    await assert.rejects(other.listen(), { code: 'EADDRINUSE' })
    await other.close(0)
    await until('it is served', () => true)
    await local.assertServes()
  })
})
