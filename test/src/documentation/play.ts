import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { Admin, Worker } from '@geartrain/client'
import { handledFunctions } from './blocks.ts'

// Plays one example: node play.js MODULE SOURCE. The cast does the jobs that it submits, and submits jobs for the
// handlers that it has. With a third argument, `alone`, it does neither.

const pollMs = 5

const [file = '', sourceFile = '', mode] = process.argv.slice(2)
const source = readFileSync(sourceFile, 'utf8')
const handled = handledFunctions(source)

// Those that are tests have their own server, and their own end.
if (mode === 'alone' || /from 'node:test'/.test(source)) await import(pathToFileURL(file).href)
else {
  await play()
  process.exit()
}

async function play(): Promise<void> {
  const { audience, staff } = await import('./cast.js')
  await using admin = await Admin.connect()
  // What the example before this one has left.
  await Promise.all((await admin.jobs()).map(({ handle }) => admin.cancel(handle)))
  await staff(handled)

  let isOver = false
  const finished = import(pathToFileURL(file).href).finally(() => {
    isOver = true
  })
  // Who submits jobs sees to the end of them.
  if (handled.length === 0 || /\.submit\(|mapReduce\(/.test(source)) {
    await finished
    return
  }
  // It may never end, by worker.run(), or have a worker that nobody has started.
  while (!isOver && !(await isReady(admin))) await pause(pollMs)
  if (isOver) {
    const { handlingWorker: worker }: { handlingWorker?: unknown } = await finished
    if (worker instanceof Worker) await worker.start()
    while (!(await isReady(admin))) await pause(pollMs)
  }
  await audience(handled)
}

async function isReady(admin: Admin): Promise<boolean> {
  const served = new Set((await admin.status()).filter((row) => row.workers > 0).map((row) => row.function))
  return handled.every((name) => served.has(name))
}
