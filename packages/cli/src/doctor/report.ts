import { type Examination, examine, type Finding, type HostReport, StoreError } from '@geartrain/server'
import { bold, dim, green, red } from '../colours.ts'
import { exitCodes, Fault } from '../fault.ts'
import { print } from '../output.ts'

const marks: Readonly<Record<Finding['level'], string>> = {
  fine: green('fine   '),
  note: dim('note   '),
  warning: bold('warning'),
  problem: red('problem'),
}

/** Resolves with the exit code: 1 if there is a problem. */
export async function doctor(url: string, { isJson }: { readonly isJson: boolean }): Promise<number> {
  const examination = await examined(url)
  const isSound = examination.findings.every(({ level }) => level !== 'problem')
  if (isJson) print(JSON.stringify({ ok: isSound, ...examination }))
  else show(examination)
  return isSound ? 0 : exitCodes.failed
}

async function examined(url: string): Promise<Examination> {
  try {
    return await examine(url)
  } catch (error) {
    if (error instanceof StoreError) throw new Fault(error.message, exitCodes.usage, { cause: error })
    throw error
  }
}

function show({ database, hosts, findings }: Examination): void {
  print(bold(database))
  for (const host of hosts) print(`  ${host.host}  ${roleOf(host)}`)
  print('')
  for (const { level, topic, text, advice } of findings) {
    print(`${marks[level]}  ${topic}: ${text}`)
    if (advice !== undefined) print(`         ${dim('→')} ${advice}`)
  }
  print('')
  const problems = findings.filter(({ level }) => level === 'problem').length
  const warnings = findings.filter(({ level }) => level === 'warning').length
  print(summary(problems, warnings))
}

function roleOf({ role }: HostReport): string {
  return role === 'primary' || role === 'standby' ? role : red(role)
}

function summary(problems: number, warnings: number): string {
  if (problems > 0) return red(`${problems === 1 ? '1 problem' : `${problems} problems`}, ${warnings} to look at`)
  if (warnings > 0) return `no problem, ${warnings} to look at`
  return green('all is well')
}
