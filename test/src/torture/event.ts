/**
 * One thing that happened between the server and those who use it, as these saw it. A run is a list of them, and as
 * text a run can be kept, read, and judged again:
 *
 *     1790000000123 ready
 *     1790000000140 p1 > SUBMIT_JOB_BG resize '' s1
 *     1790000000141 p1 < JOB_CREATED H:host:1790000000123001
 *     1790000000150 p1 leaves
 *     1790000000160 killed
 */
export type Event =
  /** A server has begun to serve. */
  | { readonly kind: 'ready'; readonly atMs: number }
  /** It is dead, and all that it had sent has been heard. */
  | { readonly kind: 'killed'; readonly atMs: number }
  | { readonly kind: 'sends' | 'hears'; readonly atMs: number; readonly peer: string; readonly message: Message }
  /** The peer closes its connection; what it sent last may still reach the server. */
  | { readonly kind: 'leaves'; readonly atMs: number; readonly peer: string }

/**
 * A packet, a line of text (`cancel job`), or what answers one (`OK`, `ERR`, `TABLE` with a row in each argument).
 * Characters are bytes. A packet's data is its last argument, as the name of a workload (workload.ts).
 */
export interface Message {
  readonly name: string
  readonly args: readonly string[]
}

export function message(name: string, ...args: readonly string[]): Message {
  return { name, args }
}

/** Lines of the text protocol are named by their first words, all else is an argument. */
export const textCommands: readonly string[] = ['cancel job', 'show jobs', 'status', 'prioritystatus']

export function showMessage({ name, args }: Message): string {
  return [name, ...args.map(escaped)].join(' ')
}

export function showEvent(event: Event, sinceMs = 0): string {
  const at = event.atMs - sinceMs
  switch (event.kind) {
    case 'ready':
    case 'killed':
      return `${at} ${event.kind}`
    case 'leaves':
      return `${at} ${event.peer} leaves`
    case 'sends':
      return `${at} ${event.peer} > ${showMessage(event.message)}`
    case 'hears':
      return `${at} ${event.peer} < ${showMessage(event.message)}`
  }
}

/** The event of a line; one without a time happens at `atMs`. Throws if the line is none. */
export function readEvent(line: string, atMs: number): Event {
  const words = line.trim().split(/ +/)
  if (/^\d+$/.test(words[0] ?? '')) atMs = Number(words.shift())
  const [first = '', second = ''] = words
  if (first === 'ready' || first === 'killed') return { kind: first, atMs }
  if (second === 'leaves') return { kind: second, atMs, peer: first }
  if (second !== '>' && second !== '<') throw new Error(`not an event: ${line}`)
  const twoWords = `${words[2]} ${words[3]}`
  const nameWords = textCommands.includes(twoWords) ? 2 : 1
  const name = words.slice(2, 2 + nameWords).join(' ')
  const args = words.slice(2 + nameWords).map(unescaped)
  return { kind: second === '>' ? 'sends' : 'hears', atMs, peer: first, message: { name, args } }
}

/** A word without blanks: bytes that can't be seen, `%` and quotes as `%` and two digits, nothing as two quotes. */
function escaped(text: string): string {
  if (text === '') return "''"
  return text.replace(/[^!-~]|[%']/g, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

function unescaped(word: string): string {
  if (word === "''") return ''
  return word.replace(/%([0-9a-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
}
