import { Decoder, packetKinds } from '@geartrain/protocol'
import type { Server, Store } from '@geartrain/server'
import type { SimulatedDisk } from './disk.ts'
import type { Tamper } from './server-socket.ts'
import type { SimulatedStore } from './store.ts'

/** A fault built into a simulation on purpose, which it has to find: proof that its checks can fail. */
export interface Sabotage {
  /** Changes the server from outside. */
  server?(server: Server): void
  /** Changes what the server sends, on each connection. */
  output?(): Tamper
  /** Stands between the server and its store. */
  store?(store: SimulatedStore, disk: SimulatedDisk): Store
  /** Changes the server's end of each connection. */
  connection?(connection: NonNullable<ReturnType<Server['accept']>>): void
  /** Timers that are never called: each so-manieth. */
  readonly lostTimers?: number
}

const nothing = Buffer.alloc(0)

/** By what goes wrong; each makes one for one simulation. */
export const sabotages: Readonly<Record<string, () => Sabotage>> = {
  'every third NOOP is lost': () => ({ output: tamper('NOOP', 3, () => nothing) }),
  'a WORK_COMPLETE comes twice': () => ({
    output: tamper('WORK_COMPLETE', 10, (packet) => Buffer.concat([packet, packet])),
  }),
  'a WORK_COMPLETE is lost': () => ({ output: tamper('WORK_COMPLETE', 10, () => nothing) }),
  'a WORK_DATA is lost': () => ({ output: tamper('WORK_DATA', 10, () => nothing) }),
  'a NO_JOB is lost': () => ({ output: tamper('NO_JOB', 10, () => nothing) }),
  'a workload is changed': () => ({ output: tamper('JOB_ASSIGN_UNIQ', 10, changeLastByte) }),
  'a JOB_CREATED has another handle': () => ({ output: tamper('JOB_CREATED', 10, changeLastByte) }),
  'timers are lost': () => ({ lostTimers: 4 }),
  'jobs of those who leave stay with them': () => ({
    server({ engine }) {
      engine.disconnect = () => {}
    },
  }),
  'CANT_DO is ignored': () => ({
    server({ engine }) {
      engine.cantDo = () => {}
    },
  }),
  'priorities are ignored': () => ({
    server({ engine }) {
      const submit = engine.submit.bind(engine)
      engine.submit = (session, submission) => submit(session, { ...submission, priority: 1 })
    },
  }),
  'uniques are cut': () => ({
    server({ engine }) {
      const submit = engine.submit.bind(engine)
      engine.submit = (session, submission) =>
        submit(session, { ...submission, unique: submission.unique.slice(0, 63) })
    },
  }),
  'delayed jobs run at once': () => ({
    server({ engine }) {
      const submit = engine.submit.bind(engine)
      engine.submit = (session, submission) => submit(session, { ...submission, runAt: 0 })
    },
  }),
  'a job that was lost is finished by its old worker': () => ({
    server({ engine }) {
      const workComplete = engine.workComplete.bind(engine)
      engine.workComplete = (session, number, result) => {
        workComplete(engine.findJob(number)?.owner ?? session, number, result)
      }
    },
  }),
  'sleepers are not woken for the job that is there': () => ({
    server({ engine }) {
      const connect = engine.connect.bind(engine)
      engine.connect = (id) => {
        const session = connect(id)
        session.hasReadyJob = () => false
        return session
      }
    },
  }),
}

/** Changes each so-manieth packet of that name; all else goes on as it is. */
function tamper(name: string, every: number, change: (packet: Buffer) => Buffer): () => Tamper {
  let count = 0
  return () => {
    const decoder = new Decoder({ packetBytesMax: 2 ** 30, lineBytesMax: 2 ** 20 })
    return (bytes) => {
      const parts: Buffer[] = []
      decoder.push(bytes)
      for (let found = decoder.next(); found !== 'more'; found = decoder.next()) {
        const { start, end, type } = decoder
        if (found === 'line') parts.push(Buffer.from(decoder.bytes.subarray(start, end)), Buffer.from('\n'))
        else {
          const packet = Buffer.alloc(12 + end - start)
          packet.write('\0RES', 'latin1')
          packet.writeUInt32BE(type, 4)
          packet.writeUInt32BE(end - start, 8)
          packet.set(decoder.bytes.subarray(start, end), 12)
          const isIt = packetKinds[type]?.name === name && ++count % every === 0
          parts.push(isIt ? change(packet) : packet)
        }
      }
      return Buffer.concat(parts)
    }
  }
}

function changeLastByte(packet: Buffer): Buffer {
  const changed = Buffer.from(packet)
  const last = changed.length - 1
  changed[last] = (changed[last] ?? 0) ^ 1
  return changed
}
