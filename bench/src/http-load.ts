import { connect, type Socket } from 'node:net'
import { Worker } from '@geartrain/client'
import { cpuSecondsOf } from './proc.ts'

/*
 * A program: `http-load background port=4730 httpPort=4731 pid=1 clients=64 jobs=100000 payload=100 ... path=/x`. Posts
 * jobs over so many connections, on each the next one when the last one is answered, and prints one line of JSON. In
 * `foreground` workers on the Gearman port give the workload back, which is the answer. With `keepAlive=0` each request
 * has a connection of its own. Plain sockets: a client of HTTP would be slower than what it measures.
 */

const [pairs, [mode = '']] = [
  process.argv.filter((word) => word.includes('=')),
  process.argv.slice(2).filter((word) => !word.includes('=')),
]
const parameters = new Map(pairs.map((pair) => pair.split('=', 2) as [string, string]))
const number = (name: string): number => Number(parameters.get(name) ?? 0)
const [port, httpPort, pid, clients, jobs] = [
  number('port'),
  number('httpPort'),
  number('pid'),
  number('clients'),
  number('jobs'),
]
const isKeptAlive = parameters.get('keepAlive') !== '0'
const request = requestOf(parameters.get('path') ?? '', parameters.get('header') ?? '')

function requestOf(path: string, header: string): Buffer {
  const body = 'x'.repeat(number('payload'))
  const lines = [`POST ${path} HTTP/1.1`, `Host: 127.0.0.1:${httpPort}`, `Content-Length: ${body.length}`]
  if (header !== '') lines.push(header)
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`)
}

/** One connection's share: a request, its answer, the next one. */
function submit(share: number, tookMs: number[]): Promise<void> {
  let left = share
  return new Promise((resolve, reject) => {
    const open = (): void => {
      let answer = ''
      let sentAt = performance.now()
      const read = (count: number, bytes: Uint8Array): boolean => {
        // An answer as long as the first one, in one piece, is like it but for the numbers in it.
        const isKnown = answer === '' && count === answerBytes && bytes[statusAt] === two
        if (!isKnown) {
          answer += Buffer.from(bytes.buffer, bytes.byteOffset, count).toString('latin1')
          if (!isWhole(answer)) return true
          if (!/^HTTP\/1\.[01] 20\d /.test(answer)) reject(new Error(`the server says ${answer.slice(0, 500)}`))
          answerBytes = answer.length
        }
        tookMs.push(performance.now() - sentAt)
        left--
        if (left === 0) end(socket, resolve)
        else if (isKeptAlive) next()
        else end(socket, open)
        return true
      }
      const socket = connect({
        host: '127.0.0.1',
        port: httpPort,
        noDelay: true,
        onread: { buffer: shared, callback: read },
      })
      const next = (): void => {
        sentAt = performance.now()
        answer = ''
        socket.write(request)
      }
      socket.on('error', reject)
      socket.once('connect', next)
    }
    open()
  })
}

/** All sockets read into it, one after the other. */
const shared = Buffer.alloc(64 * 1024)
/** Of the last answer that was read with care. */
let answerBytes = 0
const statusAt = 'HTTP/1.1 '.length
const two = 0x32

function end(socket: Socket, then: () => void): void {
  socket.destroy()
  then()
}

function isWhole(answer: string): boolean {
  const headEnd = answer.indexOf('\r\n\r\n')
  if (headEnd < 0) return false
  const [, length] = /\r\ncontent-length: (\d+)/i.exec(answer) ?? []
  if (length !== undefined) return answer.length - headEnd - 4 >= Number(length)
  return answer.endsWith('\r\n0\r\n\r\n')
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

const worker = new Worker({ host: '127.0.0.1', port }, { concurrency: number('workers') || 1 })
if (mode === 'foreground') await worker.handle('bench', (job) => job.workload).start()
const tookMs: number[] = []
const cpuBefore = await cpuSecondsOf(pid)
const begin = performance.now()
await Promise.all(Array.from({ length: clients }, () => submit(Math.floor(jobs / clients), tookMs)))
const ms = performance.now() - begin
const cpu = (await cpuSecondsOf(pid)) - cpuBefore
await worker.close()
tookMs.sort((one, other) => one - other)
console.log(
  JSON.stringify({
    rate: (tookMs.length * 1000) / ms,
    cpuUs: (cpu / tookMs.length) * 1e6,
    p50Ms: percentile(tookMs, 0.5),
    p99Ms: percentile(tookMs, 0.99),
  }),
)
process.exit(0)
