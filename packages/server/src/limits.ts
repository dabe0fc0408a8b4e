import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'

/** Every bound on what peers can make the server hold. All can be set in the configuration, under the same names. */
export interface Limits {
  /** The largest body a packet may have. */
  readonly packetBytesMax: number
  /** The longest text line, its newline included. */
  readonly lineBytesMax: number
  readonly functionNameBytesMax: number
  /** Also holds for the name of a reducer. */
  readonly uniqueBytesMax: number
  /** What is longer is cut, as gearmand does. */
  readonly clientIdBytesMax: number
  readonly connectionsMax: number
  /** Output that waits for a slow reader; past it the connection is closed. One packet may always wait. */
  readonly outputBytesMax: number
  /** At the limit, a new function takes the place of the oldest one that is idle. */
  readonly functionsMax: number
  readonly jobsPerFunctionMax: number
  /** Of all functions together. */
  readonly jobsMax: number
  /** Of all jobs together. */
  readonly workloadBytesMax: number
  /** Foreground jobs that one connection may wait for at a time. */
  readonly waitsPerConnectionMax: number
  /** A connection that has sent no packet and no line by then is closed; 0: never. */
  readonly handshakeTimeoutMs: number
  /** All of a handshake by TLS has this long; 0: for ever. */
  readonly tlsHandshakeTimeoutMs: number
  /** A packet has this long to arrive, and as long again for each MiB it has brought; 0: for ever. */
  readonly packetTimeoutMs: number
  /** A reader that has output waiting and takes less than 64 KiB of it in so long is closed; 0: never. */
  readonly outputTimeoutMs: number
  /** Of a request over HTTP. */
  readonly httpBodyBytesMax: number
  readonly httpHeaderBytesMax: number
  /** Its headers have this long to arrive, and the whole of it that long; 0: for ever. */
  readonly httpHeadersTimeoutMs: number
  readonly httpRequestTimeoutMs: number
  readonly httpConnectionsMax: number
  readonly httpConnectionsPerAddressMax: number
  /** Functions that have figures of their own in /metrics; those of all others are summed. */
  readonly metricsFunctionsMax: number
  /** Functions that have a history of their own: those that came first. The others are in that of all together. */
  readonly historyFunctionsMax: number
  /** Jobs that are done over HTTP, and requests that wait for one. */
  readonly httpLeasesMax: number
  readonly httpLeasesPerActorMax: number
  /** What a job server that is watched may answer to one question. */
  readonly watchAnswerBytesMax: number
  /** Requests over HTTP a second with one token; 0: as many as it likes. */
  readonly httpRequestsPerTokenMax: number
}

/** What a job with a unique takes of the heap, its workload apart, and how much of the heap jobs may have. */
const jobHeapBytes = 300
const heapShare = 0.75
/** How much of the machine's memory workloads may have. */
const memoryShare = 0.5
const KiB = 1024
const MiB = 1024 * KiB

export const defaultLimits: Limits = {
  packetBytesMax: 64 * MiB,
  lineBytesMax: 8 * KiB,
  functionNameBytesMax: 512,
  uniqueBytesMax: 64,
  clientIdBytesMax: 127,
  connectionsMax: 20_000,
  outputBytesMax: 64 * MiB,
  functionsMax: 10_000,
  jobsPerFunctionMax: 10_000_000,
  jobsMax: Math.floor((heapShare * getHeapStatistics().heap_size_limit) / jobHeapBytes),
  workloadBytesMax: Math.floor(memoryShare * totalmem()),
  waitsPerConnectionMax: 100_000,
  handshakeTimeoutMs: 600_000,
  tlsHandshakeTimeoutMs: 10_000,
  packetTimeoutMs: 60_000,
  outputTimeoutMs: 60_000,
  httpBodyBytesMax: 32 * MiB,
  httpHeaderBytesMax: 16 * KiB,
  httpHeadersTimeoutMs: 10_000,
  httpRequestTimeoutMs: 300_000,
  httpConnectionsMax: 10_000,
  httpConnectionsPerAddressMax: 5000,
  metricsFunctionsMax: 1000,
  historyFunctionsMax: 500,
  httpLeasesMax: 10_000,
  httpLeasesPerActorMax: 1000,
  watchAnswerBytesMax: 16 * MiB,
  httpRequestsPerTokenMax: 0,
}

/** For those who put this server in gearmand's place: where gearmand has a bound, it is as wide as gearmand's. */
export const gearmandLimits: Limits = {
  ...defaultLimits,
  packetBytesMax: 1024 * MiB,
  httpBodyBytesMax: 1024 * MiB,
  functionNameBytesMax: 8000,
  handshakeTimeoutMs: 0,
}
