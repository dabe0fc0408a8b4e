import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { type AssignedJob, defaultResultBytesMax, type JobHandler } from '@geartrain/client'
import { reason } from '@geartrain/server'
import { feed, howItEnds } from '../child.ts'
import { exitCodes, Fault } from '../fault.ts'
import { StderrLines } from './stderr-lines.ts'
import { CommandFailure, type WorkLog } from './work-log.ts'

export interface JobCommandOptions {
  readonly command: string
  readonly args: readonly string[]
  /** Stdout is sent in parts while the command runs. */
  readonly isStreamed: boolean
  readonly log: WorkLog
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>

/** A command that was told to end has so long before it is killed. */
const killMs = 5000

/**
 * Does jobs by running a command for each: the workload on stdin, stdout is the result, exit code 0 is success. The
 * command has a process group of its own, so that what it starts can be ended with it, and Ctrl-C is not for it.
 */
export class JobCommand {
  readonly #options: JobCommandOptions
  readonly #running = new Map<Child, Promise<unknown>>()

  /** Fault if there is no such command. */
  constructor(options: JobCommandOptions) {
    this.#options = options
    checkCommand(options.command)
  }

  readonly handler: JobHandler = (job) => this.#run(job)

  /** Resolves when no command runs any more. */
  async ended(): Promise<void> {
    await Promise.all(this.#running.values())
  }

  /** Ends all commands at once. */
  killAll(): void {
    for (const child of this.#running.keys()) signalGroup(child, 'SIGKILL')
  }

  async #run(job: AssignedJob): Promise<Uint8Array | undefined> {
    const { command, args, log } = this.#options
    const child = this.#start(job)
    const ended = howItEnds(child)
    const forget = () => this.#running.delete(child)
    this.#running.set(child, ended.then(forget, forget))
    const abort = () => terminate(child)
    job.signal.addEventListener('abort', abort)
    try {
      // It could not be started, and may lack its streams.
      if (child.pid === undefined) await ended
      const lines = new StderrLines((line) => log.output(job, line))
      child.stderr.on('data', (chunk: Buffer) => lines.push(chunk)).once('end', () => lines.end())
      feed(child.stdin, job.workload)
      const [outcome, result] = await Promise.all([ended, this.#result(child, job)])
      if (outcome !== undefined) throw new CommandFailure(`${command} ${outcome}`, lines.tail)
      return result
    } catch (error) {
      // What the command makes of its end is not what has failed.
      if (job.signal.aborted) throw job.signal.reason
      if (isOfSystem(error)) throw new CommandFailure(`cannot run ${[command, ...args].join(' ')}: ${reason(error)}`)
      throw error
    } finally {
      job.signal.removeEventListener('abort', abort)
    }
  }

  #start(job: AssignedJob): Child {
    const { command, args } = this.#options
    const { handle, function: jobFunction, unique } = job
    const names = { GEARTRAIN_HANDLE: handle, GEARTRAIN_FUNCTION: jobFunction, GEARTRAIN_UNIQUE: unique }
    return spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true, env: { ...process.env, ...names } })
  }

  async #result(child: Child, job: AssignedJob): Promise<Uint8Array | undefined> {
    if (this.#options.isStreamed) {
      for await (const chunk of child.stdout) await job.data(chunk)
      return undefined
    }
    const chunks: Buffer[] = []
    let bytes = 0
    for await (const chunk of child.stdout) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes <= defaultResultBytesMax) continue
      terminate(child)
      throw new CommandFailure(`the result is larger than 64 MiB: send it in parts, with --data`)
    }
    return Buffer.concat(chunks, bytes)
  }
}

/** Ends a command and what it has started, by force if it takes too long. */
function terminate(child: Child): void {
  signalGroup(child, 'SIGTERM')
  const timer = setTimeout(() => {
    signalGroup(child, 'SIGKILL')
    // Who has left the group may still hold them.
    child.stdout.destroy()
    child.stderr.destroy()
  }, killMs)
  child.once('close', () => clearTimeout(timer))
}

function signalGroup({ pid }: Child, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch (error) {
    if (!isOfSystem(error)) throw error
    // All of it has ended.
  }
}

/** What is missing is said before a job is taken for it. */
function checkCommand(command: string): void {
  const files = command.includes('/')
    ? [command]
    : (process.env['PATH'] ?? '').split(delimiter).map((directory) => join(directory, command))
  if (files.some(isExecutable)) return
  const advice = command.includes('/') ? 'check that it is there and executable' : 'check its name, and PATH'
  throw new Fault(`there is no command ${command}: ${advice}`, exitCodes.usage)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

function isOfSystem(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error
}
