import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { Decoder, encodePacket, packets } from '@geartrain/protocol'

/*
 * A program: `delayed-load delayed port=4730 clients=8 window=64 workers=16 jobs=1000000 spreadMs=60000 ...`. Submits
 * jobs whose times lie within the next so many milliseconds from when all are submitted, lets workers do them, and asks
 * the server for an echo all the while. Prints one line of JSON: how late the jobs were begun, and how long the echoes
 * took, which is how long the server's event loop was busy with something else.
 */

const echoEveryMs = 5
/** The jobs are submitted by then, or they are due while others are still being submitted. */
const fillMsPerJob = 1 / 50

const parameters = new Map(process.argv.slice(3).map((pair) => pair.split('=', 2) as [string, string]))
const number = (name: string): number => Number(parameters.get(name))
const [port, jobs, spreadMs] = [number('port'), number('jobs'), number('spreadMs')]

const limits = { packetBytesMax: 1 << 20, lineBytesMax: 1 << 10 }

class Peer {
  readonly #socket: Socket
  readonly #decoder = new Decoder(limits)
  readonly #onPacket: (type: number, bytes: Uint8Array, peer: Peer) => void

  private constructor(socket: Socket, onPacket: (type: number, bytes: Uint8Array, peer: Peer) => void) {
    this.#socket = socket
    this.#onPacket = onPacket
    socket.on('data', (chunk: Uint8Array) => this.#receive(chunk))
  }

  static async open(onPacket: (type: number, bytes: Uint8Array, peer: Peer) => void): Promise<Peer> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    await once(socket, 'connect')
    return new Peer(socket, onPacket)
  }

  send(...parts: readonly Uint8Array[]): void {
    this.#socket.write(parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts))
  }

  end(): void {
    this.#socket.destroy()
  }

  #receive(chunk: Uint8Array): void {
    this.#decoder.push(chunk)
    while (this.#decoder.next() === 'packet') {
      const { type, bytes, start, end } = this.#decoder
      this.#onPacket(type, bytes.subarray(start, end), this)
    }
  }
}

const grab = encodePacket(packets.GRAB_JOB, [], undefined, true)
const preSleep = encodePacket(packets.PRE_SLEEP, [], undefined, true)
const lateMs = new Float64Array(jobs)
let done = 0

/** Submits its share with as many jobs on the way as its window has, and resolves when all are acknowledged. */
async function submit(share: number, from: number): Promise<void> {
  const window = number('window')
  let sent = 0
  let acknowledged = 0
  await new Promise<void>((resolve, reject) => {
    const fill = (peer: Peer): void => {
      const batch: Uint8Array[] = []
      for (; sent < share && sent - acknowledged < window; sent++) {
        const dueAt = from + Math.floor((spreadMs * (sent + 0.5)) / share)
        const text = String(dueAt)
        const seconds = `${text.slice(0, -3)}.${text.slice(-3)}`
        batch.push(encodePacket(packets.SUBMIT_JOB_EPOCH, ['bench', '', seconds], Buffer.from(text), true))
      }
      if (batch.length > 0) peer.send(...batch)
    }
    void Peer.open((type, bytes, peer) => {
      if (type !== packets.JOB_CREATED.type) return reject(new Error(Buffer.from(bytes).toString()))
      acknowledged++
      if (acknowledged === share) {
        peer.end()
        resolve()
      } else if (sent - acknowledged <= window / 2) fill(peer)
    }).then(fill, reject)
  })
}

async function work(): Promise<Peer> {
  const peer = await Peer.open((type, bytes, self) => {
    if (type === packets.NOOP.type) self.send(grab)
    else if (type === packets.NO_JOB.type) self.send(preSleep)
    else if (type === packets.JOB_ASSIGN.type) {
      const body = Buffer.from(bytes)
      const handleEnd = body.indexOf(0)
      const dueAt = Number(body.subarray(body.indexOf(0, handleEnd + 1) + 1).toString())
      lateMs[done++] = Date.now() - dueAt
      const handle = body.subarray(0, handleEnd).toString()
      self.send(encodePacket(packets.WORK_COMPLETE, [handle], new Uint8Array(0), true), grab)
    }
  })
  peer.send(encodePacket(packets.CAN_DO, ['bench'], undefined, true), preSleep)
  return peer
}

/** Asks for an echo every few milliseconds, until nobody is to be asked any more. */
async function probe(echoMs: number[]): Promise<Peer> {
  const echo = encodePacket(packets.ECHO_REQ, [], Buffer.from('?'), true)
  const sentAt: number[] = []
  const peer = await Peer.open(() => echoMs.push(performance.now() - (sentAt.shift() ?? 0)))
  const timer = setInterval(() => {
    sentAt.push(performance.now())
    peer.send(echo)
  }, echoEveryMs)
  timer.unref()
  return peer
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

const dueFrom = Date.now() + 1000 + Math.round(jobs * fillMsPerJob)
const clients = number('clients')
const fillStart = performance.now()
await Promise.all(Array.from({ length: clients }, () => submit(jobs / clients, dueFrom)))
const fillMs = performance.now() - fillStart
const workers = await Promise.all(Array.from({ length: number('workers') }, work))
const echoMs: number[] = []
await pause(Math.max(0, dueFrom - Date.now()))
const prober = await probe(echoMs)
const drainStart = performance.now()
while (done < jobs) await pause(20)
const drainMs = performance.now() - drainStart
for (const peer of [...workers, prober]) peer.end()
const late = Array.from(lateMs)
console.log(
  JSON.stringify({
    rate: (jobs * 1000) / fillMs,
    drainRate: (jobs * 1000) / drainMs,
    lateP50Ms: percentile(late, 0.5),
    lateP99Ms: percentile(late, 0.99),
    echoP50Ms: percentile(echoMs, 0.5),
    echoP99Ms: percentile(echoMs, 0.99),
    echoMaxMs: percentile(echoMs, 1),
  }),
)
