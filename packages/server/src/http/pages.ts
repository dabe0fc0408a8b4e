import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

/** Where the build puts them. */
const folder = fileURLToPath(new URL('../dashboard', import.meta.url))

/** What is sent with each of them, in the place of what goes with answers of the API: nothing of other sites, nothing inline. */
const pageHeaders = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'referrer-policy': 'no-referrer',
  vary: 'accept-encoding',
} as const

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

export class PageFile {
  readonly headers: Readonly<Record<string, string>>
  readonly bytes: Buffer
  #gzip: Buffer | undefined

  constructor(headers: Readonly<Record<string, string>>, bytes: Buffer) {
    this.headers = headers
    this.bytes = bytes
  }

  /** Packed when it is first asked for: most servers are started without being looked at. */
  get gzip(): Buffer {
    return (this.#gzip ??= gzipSync(this.bytes, { level: 9 }))
  }
}

/** The files of the dashboard, in memory: they are few and small. */
export class Pages {
  readonly #index: PageFile
  /** By their path. */
  readonly #assets: ReadonlyMap<string, PageFile>

  constructor(index: PageFile, assets: ReadonlyMap<string, PageFile>) {
    this.#index = index
    this.#assets = assets
  }

  /** What lies there; undefined: nothing. Pages are one program, which looks itself at where it is. */
  find(path: string, accept: string | undefined): PageFile | undefined {
    const isPage = /^\/[\w-]*$/.test(path) && (path === '/' || accept?.includes('text/html') === true)
    return isPage ? this.#index : this.#assets.get(path)
  }
}

/** Undefined: they were not built. */
export function loadPages(): Pages | undefined {
  const names = filesIn(join(folder, 'assets'))
  const index = readPage(join(folder, 'index.html'))
  if (names === undefined || index === undefined) return undefined
  const assets = new Map<string, PageFile>()
  for (const name of names) {
    const file = readPage(join(folder, 'assets', name))
    if (file !== undefined) assets.set(`/assets/${name}`, file)
  }
  return new Pages(index, assets)
}

function filesIn(path: string): string[] | undefined {
  try {
    return readdirSync(path)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

function readPage(path: string): PageFile | undefined {
  try {
    const bytes = readFileSync(path)
    const type = types[extname(path)] ?? 'application/octet-stream'
    // The names of all others change with what is in them.
    const lasting = path.endsWith('index.html') ? 'no-cache' : 'public, max-age=31536000, immutable'
    const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
    return new PageFile({ ...pageHeaders, 'content-type': type, 'cache-control': lasting, etag }, bytes)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
