/** What was done so far, for the report of a failure. */
export class Trace {
  readonly lines: string[] = []

  /** A line so long that nobody could read it is cut; the seed brings back all of it. */
  note(line: string): void {
    this.lines.push(line.length > 4000 ? `${line.slice(0, 4000)}... (${line.length} characters)` : line)
  }
}
