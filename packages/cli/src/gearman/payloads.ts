import { buffer } from 'node:stream/consumers'
import { readLines } from '../lines.ts'
import { argumentBytes } from './argument-bytes.ts'
import type { GearmanFlags } from './flags.ts'

const lineEnd = Buffer.from('\n')

type Sources = Pick<GearmanFlags, 'operands' | 'isInputless' | 'isByLine' | 'isLineEndStripped'>

/** The workloads in their order: each operand, or without operands none, each line of stdin, or all of it. */
export async function* payloads(flags: Sources): AsyncGenerator<Uint8Array> {
  if (flags.operands.length > 0) yield* flags.operands.map(argumentBytes)
  else if (flags.isInputless) yield new Uint8Array(0)
  else if (flags.isByLine) yield* linesOf(process.stdin, flags)
  else yield await buffer(process.stdin)
}

/** With their ends, unless these are stripped. The last line may have none. */
export async function* linesOf(
  stream: AsyncIterable<Uint8Array>,
  { isLineEndStripped }: Pick<GearmanFlags, 'isLineEndStripped'>,
): AsyncGenerator<Uint8Array> {
  let hasEnded = false
  async function* chunks() {
    yield* stream
    hasEnded = true
  }
  for await (const lines of readLines(chunks())) {
    // What is left when the stream has ended is a line without end.
    for (const line of lines) yield isLineEndStripped || hasEnded ? line : Buffer.concat([line, lineEnd])
  }
}
