// npm run screenshots: pictures of each page, in light, dark and as on a phone, into docs/images.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Client, Worker } from '@geartrain/client'
import { freePort, missing, repositoryRoot, startServer } from '../support/peers.ts'
import { writePast } from './past.ts'
import { play, sceneOptions } from './scene.ts'
import { type Look, Stage, skip } from './stage.ts'

/** The scene plays for so long first: functions have figures of a minute then, and something has failed. */
const playedMs = 75_000

const looks: Readonly<Record<string, Look>> = {
  light: { width: 1360, height: 900 },
  dark: { width: 1360, height: 900, theme: 'dark' },
  phone: { width: 400, height: 860 },
}

if (skip !== false) {
  console.error(skip)
  process.exit(1)
}
const folder = join(repositoryRoot, 'docs', 'images')
mkdirSync(folder, { recursive: true })
const directory = mkdtempSync(join(tmpdir(), 'geartrain-screenshots-'))
process.once('exit', () => rmSync(directory, { recursive: true, force: true }))

await writePast(`${directory}/geartrain.db`)
await using other = await startServer(missing('gearmand') === undefined ? 'gearmand' : 'ours')
await using _legacy = await fillOther()
const watch = [`127.0.0.1:${other.port}`, `127.0.0.1:${await freePort()}`]
await using stage = await Stage.open({ ...sceneOptions, watch, store: `sqlite:${directory}/geartrain.db` })
const end = await play(stage)
console.log(`The scene plays for ${playedMs / 1000} s ...`)
await delay(playedMs)
for (const [name, path] of Object.entries(await pages())) {
  for (const [look, options] of Object.entries(looks)) {
    const page = await stage.page(path, options)
    await page.getByRole('heading', { level: 1 }).waitFor()
    // Charts are drawn, and what is told each second has been told twice.
    await delay(2500)
    const file = join(folder, `${name}-${look}.png`)
    await page.screenshot({ path: file })
    await page.context().close()
    console.log(file)
  }
}
end()

/** The server beside, which has been there for longer. */
async function fillOther(): Promise<Worker> {
  const server = `127.0.0.1:${other.port}`
  const worker = new Worker(server, { clientId: 'legacy-php-1' })
    .handle('pdf.render', () => '')
    .handle('sms.send', () => '')
  await worker.start()
  const client = await Client.connect(server)
  const names = ['fax.send', 'fax.send', 'fax.send', 'import.csv']
  await Promise.all(names.map((name, index) => client.submitBackground(name, String(index))))
  await client.close()
  return worker
}

async function pages(): Promise<Readonly<Record<string, string>>> {
  const [report, dead] = await Promise.all([firstJob('report.build', 'running'), firstJob('webhook.deliver', 'dead')])
  return {
    overview: '',
    functions: 'functions',
    function: 'function?name=webhook.deliver',
    jobs: 'jobs',
    'job-running': `job?handle=${report}`,
    'job-dead': `job?handle=${dead}`,
    workers: 'workers',
    schedules: 'schedules',
    schedule: 'schedule?name=cleanup',
    failures: 'failures',
    servers: 'servers',
  }
}

async function firstJob(jobFunction: string, state: string): Promise<string> {
  const answer = await fetch(`${stage.origin}/api/jobs?function=${jobFunction}&state=${state}&limit=1`)
  // As the API's description says.
  const { jobs } = (await answer.json()) as { jobs: { handle: string }[] }
  return encodeURIComponent(jobs[0]?.handle ?? '')
}
