import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { Client, Worker } from '@geartrain/client'
import { chromium } from 'playwright-core'
import { cpuSecondsOf } from './proc.ts'

/*
 * A program: `dashboard-load watched port=4730 httpPort=4731 pid=1 clients=10 workers=200 window=500 timeMs=20000
 * page=/functions`. A worker has so many functions (`workers`), which get so many jobs a second together (`window`), while
 * so many browsers (`clients`) show a page. Prints one line of JSON: what that costs the server.
 */

const settleMs = 5000
const tickMs = 50

const pairs = process.argv.filter((word) => word.includes('=')).map((word) => word.split('=', 2) as [string, string])
const parameters = new Map(pairs)
const number = (name: string): number => Number(parameters.get(name) ?? 0)
const page = parameters.get('page') ?? ''
const server = { host: '127.0.0.1', port: number('port') }
const paths = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const executablePath = process.env['GEARTRAIN_CHROMIUM'] ?? paths.find((path) => existsSync(path))
if (executablePath === undefined) {
  console.error('Chromium is not installed: apt-get install chromium, or say in GEARTRAIN_CHROMIUM where it is')
  process.exit(1)
}

const names = Array.from({ length: number('workers') }, (_, index) => `shop.${index % 20}.function-${index}`)
const worker = new Worker(server, { concurrency: 8 })
for (const name of names) worker.handle(name, (job) => job.workload)
await worker.start()
const client = await Client.connect(server)

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
const open = async (): Promise<void> => {
  // Each its own window: none is behind another one.
  const shown = await (await browser.newContext()).newPage()
  await shown.goto(`http://127.0.0.1:${number('httpPort')}${page}`)
  await shown.getByRole('heading', { level: 1 }).waitFor()
}
if (page !== '') await Promise.all(Array.from({ length: number('clients') }, open))

let isOver = false
const submit = async (): Promise<void> => {
  let due = 0
  for (let next = 0; !isOver; await delay(tickMs)) {
    for (due += (number('window') * tickMs) / 1000; due >= 1; due--) {
      await client.submitBackground(names[next++ % names.length] ?? '', 'x'.repeat(100))
    }
  }
}
const submitted = submit()
await delay(settleMs)
const cpuBefore = await cpuSecondsOf(number('pid'))
const begin = performance.now()
await delay(number('timeMs'))
const cpu = (await cpuSecondsOf(number('pid'))) - cpuBefore
console.log(JSON.stringify({ cpuPercent: (cpu * 100_000) / (performance.now() - begin) }))
isOver = true
await submitted
await browser.close()
await worker.close()
await client.close()
