import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

// Disks on which a test can bring about what happens to real ones. What the machine or its user can't do is a sentence
// to skip with.

const MiB = 1024 * 1024

/** A file system of its own, in memory. */
export class SmallDisk implements Disposable {
  readonly directory: string

  constructor(mebibytes: number) {
    this.directory = mkdtempSync(join(tmpdir(), 'geartrain-disk-'))
    try {
      run('mount', '-t', 'tmpfs', '-o', `size=${mebibytes * MiB}`, 'geartrain-test', this.directory)
    } catch (error) {
      rmdirSync(this.directory)
      throw error
    }
  }

  /** Undefined if this user can mount one. */
  static missing(): string | undefined {
    return outcome('a file system of its own is mounted by root only', () => new SmallDisk(1)[Symbol.dispose]())
  }

  path(name: string): string {
    return join(this.directory, name)
  }

  /** Takes all room that is left: nothing can be written, however little. */
  fill(): void {
    const file = openSync(this.path('filler'), 'w')
    const bytes = Buffer.alloc(4096)
    try {
      for (;;) writeSync(file, bytes)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
    } finally {
      closeSync(file)
    }
  }

  /** The room is there again. */
  clear(): void {
    rmSync(this.path('filler'))
  }

  grow(mebibytes: number): void {
    run('mount', '-o', `remount,size=${mebibytes * MiB}`, this.directory)
  }

  forbidWriting(): void {
    run('mount', '-o', 'remount,ro', this.directory)
  }

  [Symbol.dispose](): void {
    // Also when somebody still has a file of it open.
    run('umount', '--lazy', this.directory)
    rmdirSync(this.directory)
  }
}

/** A file or directory that nobody can change, root included, for as long as this lives. */
export class Immutable implements Disposable {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
    run('chattr', '+i', path)
  }

  /** Undefined if this user and the file system of the tests can have one. */
  static missing(): string | undefined {
    return outcome('chattr +i does not work here: it is for root, on file systems such as ext4', () => {
      const path = join(tmpdir(), `geartrain-immutable-${process.pid}`)
      writeFileSync(path, '')
      try {
        new Immutable(path)[Symbol.dispose]()
      } finally {
        rmSync(path)
      }
    })
  }

  [Symbol.dispose](): void {
    run('chattr', '-i', this.#path)
  }
}

/** No file of the process may grow past this; undefined: as large as they like again. */
export function limitFiles(pid: number, bytes: number | undefined): void {
  // The soft limit, which whoever runs the process may raise again.
  run('prlimit', '--pid', String(pid), `--fsize=${bytes ?? 'unlimited'}:`)
}

export function limitFilesMissing(): string | undefined {
  return outcome('prlimit is not installed: apt-get install util-linux', () => limitFiles(process.pid, undefined))
}

/**
 * Fails or delays system calls of a running process, by strace, until it is disposed of. `fault` is what strace takes
 * with `inject=`: `fsync:error=EIO`.
 */
export class FailingCalls implements AsyncDisposable {
  readonly #strace: ChildProcess

  private constructor(strace: ChildProcess) {
    this.#strace = strace
  }

  static async of(pid: number, fault: string): Promise<FailingCalls> {
    const [calls = ''] = fault.split(':')
    const args = ['-f', '-p', String(pid), '-e', `trace=${calls}`, '-e', `inject=${fault}`]
    const strace = spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] })
    const failing = new FailingCalls(strace)
    const lines: string[] = []
    // It says so when it has all of the threads, and goes on saying what they do.
    const attached = new Promise<boolean>((resolve) => {
      createInterface({ input: strace.stderr }).on('line', (line) => {
        lines.push(line)
        if (/attached/.test(line)) resolve(true)
      })
      strace.once('close', () => resolve(false))
    })
    if (!(await attached)) throw new Error(`strace has ended: ${lines.join('\n')}`)
    return failing
  }

  /** Undefined if strace is there and may look at other processes of this user. */
  static async missing(): Promise<string | undefined> {
    const bystander = spawn('sleep', ['60'], { stdio: 'ignore' })
    try {
      await once(bystander, 'spawn')
      await using _ = await FailingCalls.of(bystander.pid ?? 0, 'fsync:error=EIO')
      return undefined
    } catch {
      return 'strace is not installed or may not look at processes: apt-get install strace, be root'
    } finally {
      bystander.kill('SIGKILL')
    }
  }

  /** At once. It would wait for a call that it delays also when the process was killed, which is not gone before. */
  letGo(): void {
    this.#strace.kill('SIGKILL')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#strace, 'close')
    // The calls that it delays go on when it lets go of them.
    if (this.#strace.kill('SIGINT')) await ended
  }
}

function run(command: string, ...args: readonly string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'] })
}

function outcome(sentence: string, attempt: () => void): string | undefined {
  try {
    attempt()
    return undefined
  } catch {
    return sentence
  }
}
