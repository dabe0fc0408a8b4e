import type { JobEvent } from '@geartrain/client'
import type { GearmanFlags } from './flags.ts'

/** As much text is held back as C's stdio does. */
const heldBytesMax = 4096

/**
 * Prints what comes of jobs, in the order of the C tool: it writes data at once, but text (handles, progress, prefixes)
 * by way of stdio, which keeps it back where stdout is no terminal, until a prefix is printed or the program ends.
 */
export class JobOutput {
  readonly #flags: Pick<GearmanFlags, 'isPrefixed' | 'isVerbose'>
  #held = ''

  constructor(flags: Pick<GearmanFlags, 'isPrefixed' | 'isVerbose'>) {
    this.#flags = flags
  }

  print(jobFunction: string, event: JobEvent): void {
    const prefix = this.#flags.isPrefixed ? `${jobFunction}: ` : ''
    switch (event.type) {
      case 'created':
        if (this.#flags.isVerbose) this.#say(`Task created: ${event.handle}\n`)
        break
      case 'data':
      case 'complete':
        this.#say(prefix)
        if (prefix !== '') this.flush()
        process.stdout.write(event.data)
        break
      case 'status':
        this.#say(`${prefix}${percent(event)}% Complete\n`)
        break
      case 'warning':
        process.stderr.write(Buffer.concat([Buffer.from(prefix), event.data]))
        break
      case 'exception':
        process.stderr.write(Buffer.concat([Buffer.from(prefix), event.data, Buffer.from('\n')]))
        process.stderr.write(`${prefix}Job failed\n`)
        break
      case 'fail':
        process.stderr.write(`${prefix}Job failed\n`)
    }
  }

  flush(): void {
    if (this.#held !== '') process.stdout.write(this.#held)
    this.#held = ''
  }

  #say(text: string): void {
    this.#held += text
    if (process.stdout.isTTY || Buffer.byteLength(this.#held) > heldBytesMax) this.flush()
  }
}

function percent({ numerator, denominator }: { readonly numerator: number; readonly denominator: number }): number {
  return denominator === 0 ? 0 : Math.floor((100 * numerator) / denominator)
}
