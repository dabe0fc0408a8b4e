// npm test                         every test
// npm test -- engine client       those under test/src/engine and test/src/client
// npm run scenarios               rewrites what the scenarios expect; review the diff
import { readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { ensureBuilt, root, runNode } from './ensure-built.js'

const updateFlag = '--update-scenarios'
const args = process.argv.slice(2)
const wanted = args.filter((arg) => arg !== updateFlag)

ensureBuilt('test')
const dist = join(root, 'test', 'dist')
const files = readdirSync(dist, { recursive: true })
  .filter((file) => file.endsWith('.test.js'))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.startsWith(part)))
  .map((file) => relative(root, join(dist, file)))
  .sort()
if (files.length === 0) {
  process.stderr.write(`No test lies under ${wanted.map((part) => `test/src/${part}`).join(' or ')}.\n`)
  process.exit(2)
}
const env = args.includes(updateFlag) ? { ...process.env, UPDATE_SCENARIOS: '1' } : process.env
runNode(['--test', '--test-timeout=180000', ...files], { env })
