import type { Random } from '../simulation/random.ts'
import type { Event, Message } from './event.ts'
import { message } from './event.ts'
import { Ledger } from './ledger.ts'
import { Peer } from './peer.ts'
import type { ServerProcess } from './server-process.ts'
import { sizedBytesMin } from './workload.ts'

const handlesKept = 300
/** How often it is looked whether what is waited for has come. */
const lookMs = 4

/** What all who take part in a run share: the ledger, the server of the moment, and names that come only once. */
export class World {
  readonly ledger = new Ledger()
  server: ServerProcess | undefined
  port = 0
  /** Handles that were heard of lately, of jobs that live or not. */
  readonly handles: string[] = []
  /** Sees each message that comes. */
  onHeard: (message: Message) => void = () => {}
  readonly peers = new Set<Peer>()
  readonly #print: ((event: Event) => void) | undefined
  #peerCount = 0
  #nameCount = 0

  constructor(print: ((event: Event) => void) | undefined) {
    this.#print = print
  }

  see(event: Event): void {
    this.#print?.(event)
    this.ledger.see(event)
  }

  connect(onMessage: (message: Message) => void, onLost: () => void = () => {}): Peer {
    const peer = new Peer(this.port, `p${++this.#peerCount}`, {
      onSend: ({ name }, message) => this.see({ kind: 'sends', atMs: Date.now(), peer: name, message }),
      onMessage: ({ name }, message) => {
        this.see({ kind: 'hears', atMs: Date.now(), peer: name, message })
        if (message.name === 'JOB_CREATED') this.#remember(message.args[0] ?? '')
        this.onHeard(message)
        if (this.ledger.fault === undefined) onMessage(message)
      },
      onNonsense: ({ name }, what) => this.ledger.fail('h', `${name}: ${what}`),
      onLeave: ({ name }) => this.see({ kind: 'leaves', atMs: Date.now(), peer: name }),
      onLost: (_, why) => {
        this.peers.delete(peer)
        this.#lost(peer, why)
        onLost()
      },
    })
    this.peers.add(peer)
    void peer.closed.then(() => this.peers.delete(peer))
    return peer
  }

  /**
   * False if it does not come true in time, or something is wrong. The time is counted in looks: a machine that stands
   * still for a while is not the server's fault.
   */
  async until(isSo: () => boolean, withinMs: number): Promise<boolean> {
    let looksLeft = withinMs / lookMs
    return new Promise<boolean>((resolve) => {
      const end = (answer: boolean) => {
        clearInterval(timer)
        resolve(answer)
      }
      const look = () => {
        if (this.ledger.fault !== undefined) end(false)
        else if (isSo()) end(true)
        else if (looksLeft-- <= 0) end(false)
      }
      const timer = setInterval(look, lookMs)
      look()
    })
  }

  /** Everybody's last commands are known to have been acted on when these are answered. */
  echo(): void {
    for (const peer of this.peers) peer.send(message('ECHO_REQ', this.newName('e')))
  }

  newName(prefix: string): string {
    return `${prefix}${++this.#nameCount}`
  }

  /** The name of a workload like no other. */
  newWorkload(random: Random, largeChance: number): string {
    const name = this.newName('s')
    if (random.chance(largeChance)) return `${name}+${random.between(10_000, 100_000)}`
    return random.chance(0.2) ? `${name}+${random.between(sizedBytesMin, 2000)}` : name
  }

  #remember(handle: string): void {
    this.handles.push(handle)
    if (this.handles.length > handlesKept) this.handles.splice(0, handlesKept / 3)
  }

  #lost(peer: Peer, why: string): void {
    const { server } = this
    // A server that died of itself takes a moment to be seen dead, and is another fault.
    const judge = () => {
      if (server?.isKilled === false && server.ended === undefined) {
        this.ledger.fail('h', `the server has closed ${peer.name}: ${why}`)
      }
    }
    setTimeout(judge, 2000).unref()
  }
}
