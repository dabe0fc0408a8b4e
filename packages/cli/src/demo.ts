import { type AssignedJob, Client, Worker } from '@geartrain/client'
import { createServer, HttpListenError, type Server, version } from '@geartrain/server'
import { bold, dim, green, red } from './colours.ts'
import { type Act, acts, countDown, refuse, type Stage } from './demo/acts.ts'
import { signal } from './demo/signal.ts'

const firstPort = 4730
const httpPort = 4731
const portsTried = 100
const actTimeoutMs = 15_000
/** A handler whose act went wrong may hang. */
const closeTimeoutMs = 1000
const shownCharsMax = 40

/**
 * A server, workers and a few jobs of each kind with their answers; then it stays up for more until Ctrl-C.
 * Resolves with the exit code: 1 if an answer was wrong.
 */
export async function demo({ once }: { once: boolean }): Promise<number> {
  const { server, port } = await listenOnFirstFree()
  const address = { host: '127.0.0.1', port }
  let isAudience = false
  const shown = (handler: (job: AssignedJob) => string) => (job: AssignedJob) => {
    const answer = handler(job)
    if (isAudience) say(`  ${dim(job.function.padEnd(8))}${quote(job.text())} ${dim('->')} ${quote(answer)}`)
    return answer
  }
  const worker = new Worker(address, { concurrency: 10, clientId: 'demo', closeTimeoutMs })
    .handle(
      'reverse',
      shown((job) => Array.from(job.text()).reverse().join('')),
    )
    .handle(
      'wc',
      shown((job) => `${job.text().split('\n').length - 1}\n`),
    )
  const extra = new Worker(address, { clientId: 'demo-extra', closeTimeoutMs })
    .handle('countdown', countDown)
    .handle('picky', refuse)
  const client = new Client(address)
  try {
    await Promise.all([worker.start(), extra.start()])
    const origin = `http://127.0.0.1:${server.httpAddress?.port}`
    introduce(port, origin)
    let isRight = true
    for (const act of acts) isRight = (await perform(act, { client, extra, origin })) && isRight
    await extra.close()
    if (once) return isRight ? 0 : 1
    say(whatToType(port, origin))
    isAudience = true
    await untilSignal()
    return isRight ? 0 : 1
  } finally {
    await Promise.all([worker.close(), extra.close(), client.close()])
    await server.close(0)
  }
}

async function perform(act: Act, stage: Stage): Promise<boolean> {
  const late = signal<string>()
  const timer = setTimeout(() => late.give(`nothing within ${actTimeoutMs / 1000} s`), actTimeoutMs)
  const played = act.play(stage).catch((error: unknown) => String(error))
  const answer = await Promise.race([played, late.given])
  clearTimeout(timer)
  const isRight = answer === act.expected
  const verdict = isRight ? green('ok') : red(`WRONG, it should be: ${act.expected}`)
  say(`  ${act.kind.padEnd(16)}${dim(act.sent.padEnd(37))}${answer.padEnd(35)}${verdict}`)
  return isRight
}

async function listenOnFirstFree(): Promise<{ server: Server; port: number }> {
  for (let port = firstPort, http = httpPort; ; ) {
    const server = createServer({ port, http: `127.0.0.1:${http}` })
    try {
      await server.listen()
      return { server, port }
    } catch (error) {
      // Whatever port is free, if it is not the usual one.
      if (error instanceof HttpListenError && http !== 0) http = 0
      else if (!isTaken(error) || port === firstPort + portsTried) throw error
      else port++
    }
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
}

function introduce(port: number, origin: string): void {
  say(`\n${bold(`Geartrain ${version}`)}: a server on ${bold(`127.0.0.1:${port}`)}, two workers and a client.`)
  say(`Over HTTP it is at ${bold(origin)}.`)
  if (port !== firstPort) say(`Port ${firstPort} is taken, so it is the next free one: ${port}.`)
  say('')
}

function whatToType(port: number, origin: string): string {
  const commands = [
    [`gearman -p ${port} -f reverse "Hello"`, 'a job from the C tools (Debian: gearman-tools)'],
    [`gearman -p ${port} -f wc < /etc/passwd`, 'its lines, counted'],
    [`printf 'status\\n' | nc -w 1 127.0.0.1 ${port}`, 'functions, with their jobs and workers'],
    [`curl -d hello '${origin}/api/functions/reverse/jobs?wait'`, 'a job over HTTP'],
    [`curl ${origin}/api/functions`, 'the same, for programs'],
    ['npx geartrain serve', 'a server of your own; --help tells the rest'],
  ] as const
  const rows = commands.map(([command, what]) => `  ${bold(command.padEnd(71))}${dim(what)}`)
  return `\nIt stays up until Ctrl-C. Type in another terminal:\n\n${rows.join('\n')}\n`
}

function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve())
    process.once('SIGTERM', () => resolve())
  })
}

function quote(text: string): string {
  const cut = text.length > shownCharsMax ? `${text.slice(0, shownCharsMax)}...` : text
  return JSON.stringify(cut)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
