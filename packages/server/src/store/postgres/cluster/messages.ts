import type { Priority } from '@geartrain/engine'
import { z } from 'zod'
import type { StoredLine } from '../../cluster.ts'

/** The channel; it is the database's own. */
export const channel = 'geartrain'

/** PostgreSQL takes 7,999. */
const bytesMax = 7900
/** Of a message, beside its lists. */
const headBytes = 120

/** What one server tells the others by NOTIFY. None of it must arrive: all of it is seen by looking as well. */
export interface Message {
  /** The server's id; undefined: somebody in SQL. */
  readonly from?: number | undefined
  readonly ready?: readonly (readonly [name: string, priority: Priority])[] | undefined
  /** Jobs were cancelled that others have. */
  readonly cancels?: boolean | undefined
  /** Such jobs have been dropped. */
  readonly dropped?: boolean | undefined
  readonly documents?: boolean | undefined
  /** One has come, or has other news of itself. */
  readonly servers?: boolean | undefined
  /** Parts of limits were given back, or are wanted. */
  readonly shares?: boolean | undefined
  /** There are jobs from SQL. */
  readonly inbox?: boolean | undefined
}

/** One byte a character, as all names in the program. */
const name = z
  .string()
  .min(1)
  .refine((text) => Buffer.from(text, 'latin1').toString('latin1') === text)

const schema = z.object({
  from: z.int().optional(),
  ready: z.array(z.tuple([name, z.literal([0, 1, 2])])).optional(),
  cancels: z.boolean().optional(),
  dropped: z.boolean().optional(),
  documents: z.boolean().optional(),
  servers: z.boolean().optional(),
  shares: z.boolean().optional(),
  inbox: z.boolean().optional(),
})

/** Undefined if it is none: anybody who may connect to the database can notify. */
export function readMessage(payload: string): Message | undefined {
  try {
    return schema.safeParse(JSON.parse(payload)).data
  } catch {
    return undefined
  }
}

type Flag = 'documents' | 'servers' | 'shares' | 'cancels' | 'dropped'

/** What is to be told, until it is. */
export class News {
  readonly #ready = new Map<string, StoredLine>()
  readonly #flags = new Set<Flag>()

  get isEmpty(): boolean {
    return this.#ready.size === 0 && this.#flags.size === 0
  }

  addReady(line: StoredLine): void {
    this.#ready.set(`${line.priority}${line.function}`, line)
  }

  addFlag(flag: Flag): void {
    this.#flags.add(flag)
  }

  /** All of it, as payloads; then there is none. */
  take(from: number): string[] {
    const flags = Object.fromEntries([...this.#flags].map((flag) => [flag, true]))
    const ready = [...this.#ready.values()].map((line) => toJson([line.function, line.priority]))
    this.#ready.clear()
    this.#flags.clear()
    const lists = chunks(ready).map((list) => `"ready":[${list}]`)
    const head = toJson({ from, ...flags }).slice(0, -1)
    if (lists.length === 0) return [`${head}}`]
    return lists.map((list, index) => `${index === 0 ? head : `{"from":${from}`},${list}}`)
  }
}

/** In ASCII: whatever encoding the database has, it takes that. */
function toJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u0080-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Lists that have room in a message. What has none by itself is left out: it is found by looking. */
function chunks(items: readonly string[]): string[] {
  const lists: string[] = []
  let list = ''
  for (const item of items) {
    if (item.length > bytesMax - headBytes) continue
    if (list !== '' && list.length + 1 + item.length > bytesMax - headBytes) {
      lists.push(list)
      list = ''
    }
    list = list === '' ? item : `${list},${item}`
  }
  return list === '' ? lists : [...lists, list]
}
