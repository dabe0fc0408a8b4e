import type { Log } from '@geartrain/server'

/** What a server in this process has said, from warnings on and what is told of its store. */
export class RecordedLog implements Log {
  readonly lines: string[] = []
  readonly debug = (): void => {}
  readonly info = (...words: unknown[]): void => this.#add('info', words)
  readonly warn = (...words: unknown[]): void => this.#add('warn', words)
  readonly error = (...words: unknown[]): void => this.#add('error', words)

  #add(level: string, words: readonly unknown[]): void {
    this.lines.push(`${level}: ${words.filter((word) => typeof word === 'string').join(' ')}`)
  }
}
