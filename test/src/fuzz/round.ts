import { Random } from '../simulation/random.ts'
import { fuzzAdminLine, fuzzDecoder } from './decoder.ts'
import { fuzzServer } from './server.ts'
import { Trace } from './trace.ts'

/** Thrown with all that is needed to see it again: the seed, and what was said in hex. */
export class FuzzFailure extends Error {
  constructor(seed: number, target: string, trace: Trace, cause: unknown) {
    const reason = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
    super(
      `seed ${seed}, ${target}: ${reason}\n${trace.lines.join('\n')}\nagain: npm run fuzz -- --seed ${seed} --seconds 0`,
    )
    this.cause = cause
  }
}

const targets: Readonly<Record<string, (random: Random, trace: Trace) => void | Promise<void>>> = {
  'the decoder': fuzzDecoder,
  'the admin lines': fuzzAdminLine,
  'the server': fuzzServer,
}

/** One stream for each target, all drawn from the seed. Rejects with a FuzzFailure. */
export async function fuzzRound(seed: number): Promise<void> {
  for (const [target, fuzz] of Object.entries(targets)) {
    const trace = new Trace()
    // What a stream's callback throws reaches nobody else.
    let crash: ((error: unknown) => void) | undefined
    const crashed = new Promise<never>((_, reject) => {
      crash = reject
      process.once('uncaughtException', reject)
    })
    try {
      await Promise.race([fuzz(new Random(seed), trace), crashed])
    } catch (error) {
      throw new FuzzFailure(seed, target, trace, error)
    } finally {
      if (crash !== undefined) process.off('uncaughtException', crash)
    }
  }
}
