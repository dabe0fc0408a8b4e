import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

const nodeNeeded = [20, 19]
const noBuild = 'GEARTRAIN_NO_BUILD'

/** Runs a program where the repository lies; ends this process with its exit code unless it is 0. */
export function run(program, args, options = {}) {
  const { status, error, signal } = spawnSync(program, args, { cwd: root, stdio: 'inherit', ...options })
  if (error !== undefined) fail(`Cannot run ${program}: ${error.message}`)
  if (status !== 0) process.exit(status ?? (signal === 'SIGINT' ? 130 : 1))
}

export function runNode(args, options) {
  run(process.execPath, args, options)
}

/** A command that a development dependency brings. */
function runTool(name, args, options) {
  run(join(root, 'node_modules', '.bin', name), args, options)
}

/** On a fresh clone: installs and builds. Later: builds what has changed of these projects and what they need. */
export function ensureBuilt(...projects) {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < nodeNeeded[0] || (major === nodeNeeded[0] && minor < nodeNeeded[1])) {
    fail(`Geartrain needs Node ${nodeNeeded.join('.')} or newer; this is ${process.versions.node}.`)
  }
  if (!isInstalled()) {
    say('Installing what is needed (npm ci) ...')
    // Not the build that npm would start by itself: it follows below.
    run('npm', ['ci', '--no-audit', '--no-fund'], { env: { ...process.env, [noBuild]: '1' } })
  }
  build(...projects)
}

/** Without projects, all that is published. */
export function build(...projects) {
  if (process.env[noBuild] === '1') return
  if (!existsSync(join(root, 'packages/cli/dist/main.js'))) say('Building ...')
  runTool('tsc', ['-b', ...(projects.length === 0 ? ['packages/cli'] : projects)])
  if (!arePagesBuilt()) runTool('vite', ['build', '--logLevel', 'warn', 'packages/dashboard'])
}

/** The compiler knows by itself what has changed; of the pages we have to look. */
function arePagesBuilt() {
  const built = join(root, 'packages/server/dist/dashboard/index.html')
  if (!existsSync(built)) return false
  const builtAt = statSync(built).mtimeMs
  const folder = join(root, 'packages/dashboard')
  const sources = ['index.html', 'vite.config.js', 'package.json', 'src']
    .map((name) => join(folder, name))
    .flatMap((path) => (statSync(path).isDirectory() ? filesBelow(path) : [path]))
  return sources.every((path) => statSync(path).mtimeMs <= builtAt)
}

/** Folders too: a file that is gone has changed its folder. */
function filesBelow(folder) {
  return [folder, ...readdirSync(folder, { recursive: true }).map((name) => join(folder, name))]
}

/** npm leaves a copy of the lock file with what it has installed. */
function isInstalled() {
  const installed = join(root, 'node_modules', '.package-lock.json')
  return existsSync(installed) && statSync(installed).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs
}

function say(text) {
  process.stderr.write(`${text}\n`)
}

function fail(text) {
  say(text)
  process.exit(1)
}
