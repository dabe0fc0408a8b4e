import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { reason } from '@geartrain/server'
import type { Command } from 'commander'
import { howItEnds } from '../child.ts'
import { controlFirst } from '../control.ts'
import { exitCodes, Fault } from '../fault.ts'
import { toBuffer, toBytes } from '../payload-text.ts'
import { showText } from '../table.ts'
import { retryHandles } from './retry.ts'
import { findDead } from './show.ts'

const newline = 0x0a

/** True if it is tried again. Throws a Fault if nothing was done. */
export async function editDead(command: Command, handle: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    const advice = 'dead retry HANDLE --payload-file FILE does the same without'
    throw new Fault(`an editor needs a terminal; ${advice}`, exitCodes.usage)
  }
  const { value: job } = await controlFirst(command, (control) => findDead(control, handle))
  const before = toBuffer(job.workload ?? { text: '' })
  const after = await edit(before)
  if (after.equals(before)) {
    const sentence = `the payload of ${showText(handle)} is as it was, so nothing was done`
    throw new Fault(`${sentence}: geartrain dead retry tries it again as it is`, exitCodes.failed)
  }
  return retryHandles(command, [handle], toBytes(after))
}

/** What the user makes of a payload, in the editor of their choice. */
async function edit(payload: Buffer): Promise<Buffer> {
  const editor = process.env['VISUAL'] || process.env['EDITOR'] || 'vi'
  const directory = mkdtempSync(join(tmpdir(), 'geartrain-'))
  try {
    const file = join(directory, 'payload')
    // Nobody else's business.
    writeFileSync(file, payload, { mode: 0o600 })
    // The variable may have flags, and quotes around them: it is for a shell.
    const child = spawn('/bin/sh', ['-c', `${editor} "$1"`, 'sh', file], { stdio: 'inherit' })
    const failure = await howItEnds(child)
    if (failure !== undefined) throw new Fault(`the editor (${editor}) ${failure}: nothing was done`, exitCodes.failed)
    return withoutNewEnd(payload, readFileSync(file))
  } catch (error) {
    if (error instanceof Fault) throw error
    throw new Fault(`cannot run the editor (${editor}): ${reason(error)}`, exitCodes.failed, { cause: error })
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Editors end the last line of a file; a payload that had no such end is to have none. */
function withoutNewEnd(before: Buffer, after: Buffer): Buffer {
  return before.at(-1) !== newline && after.at(-1) === newline ? after.subarray(0, -1) : after
}
