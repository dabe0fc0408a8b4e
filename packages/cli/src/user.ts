import { execFileSync } from 'node:child_process'

export interface User {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** Undefined if there is none of that name. `id` knows users of all kinds, those of a directory service too. */
export function findUser(name: string): User | undefined {
  const uid = askId('-u', name)
  const gid = askId('-g', name)
  return uid === undefined || gid === undefined ? undefined : { name, uid, gid }
}

export function isRoot(): boolean {
  return process.getuid?.() === 0 || process.geteuid?.() === 0
}

/** For good: there is no way back to root. */
export function becomeUser({ uid, gid }: User): void {
  // The supplementary groups, which else would stay root's. The types of Node.js leave the function out.
  ;(process as NodeJS.Process & { initgroups?(user: number, group: number): void }).initgroups?.(uid, gid)
  process.setgid?.(gid)
  process.setuid?.(uid)
}

function askId(what: string, name: string): number | undefined {
  try {
    const output = execFileSync('id', [what, '--', name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    return /^\d+$/.test(output.trim()) ? Number(output) : undefined
  } catch {
    return undefined
  }
}
