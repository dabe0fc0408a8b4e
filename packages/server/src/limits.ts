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
  readonly functionsMax: number
  readonly jobsPerFunctionMax: number
  /** A connection that has sent no packet and no line by then is closed; 0: never. */
  readonly handshakeTimeoutMs: number
  /** A packet has this long to arrive, and as long again for each MiB it has brought; 0: for ever. */
  readonly packetTimeoutMs: number
  /** A reader that has output waiting and takes none of it for so long is closed; 0: never. */
  readonly outputTimeoutMs: number
}

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
  handshakeTimeoutMs: 600_000,
  packetTimeoutMs: 60_000,
  outputTimeoutMs: 60_000,
}

/** For those who put this server in gearmand's place: nothing that gearmand would take is refused. */
export const gearmandLimits: Limits = {
  ...defaultLimits,
  packetBytesMax: 1024 * MiB,
  functionNameBytesMax: 8000,
  handshakeTimeoutMs: 0,
}
