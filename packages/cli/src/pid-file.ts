import { chownSync, readFileSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'

/** A file that holds the process id while the process lives. */
export class PidFile {
  readonly #file: string
  readonly #text = `${process.pid}\n`

  /** Takes the place of a file that is there; throws what Node throws if it can't. */
  constructor(file: string) {
    this.#file = file
    removeIfThere(file)
    writeFileSync(file, this.#text, { flag: 'wx' })
    process.on('exit', () => this.#remove())
  }

  chown(uid: number, gid: number): void {
    chownSync(this.#file, uid, gid)
  }

  #remove(): void {
    try {
      // Another server may have put its own in the place by now.
      if (readFileSync(this.#file, 'latin1') !== this.#text) return
      // Whoever is not root any more may write the file but perhaps not its directory.
      truncateSync(this.#file)
      unlinkSync(this.#file)
    } catch {
      // The process ends in any case, and the next one replaces a file that was left.
    }
  }
}

function removeIfThere(file: string): void {
  try {
    unlinkSync(file)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
}
