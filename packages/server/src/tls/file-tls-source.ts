import type { TlsOptions } from 'node:tls'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import { readTlsFiles, type TlsFiles } from './tls-files.ts'
import type { TlsSource } from './tls-source.ts'

/** What lies in files, which can be read again. */
export class FileTlsSource implements TlsSource {
  readonly #files: TlsFiles
  readonly #clock: Clock
  readonly #log: Log
  readonly #listeners: ((options: TlsOptions) => void)[] = []
  #options: TlsOptions

  /** Throws a TlsError if what is in the files is of no use. */
  constructor(files: TlsFiles, clock: Clock, log: Log) {
    this.#files = files
    this.#clock = clock
    this.#log = log
    this.#options = this.#read()
  }

  get options(): TlsOptions {
    return this.#options
  }

  onChanged(listener: (options: TlsOptions) => void): void {
    this.#listeners.push(listener)
  }

  /** Throws a TlsError if what is in the files now is of no use; all goes on as before then. */
  reload(): void {
    this.#options = this.#read()
    for (const listener of this.#listeners) listener(this.#options)
  }

  #read(): TlsOptions {
    const { options, notes } = readTlsFiles(this.#files, this.#clock.wallNow())
    for (const note of notes) this.#log.warn(note)
    return options
  }
}
