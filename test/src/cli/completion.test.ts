import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { geartrain, scratch } from './command.ts'

// `geartrain completion`: what each shell itself makes of the script.

/** Where the shell's `complete` is to tell what it offers: one word a line. FILES stands for names of files. */
type Shell = {
  readonly name: 'bash' | 'zsh' | 'fish'
  /** Sources `script` and completes `words`, of which the last one is under the cursor. */
  readonly program: (script: string, words: readonly string[]) => string
}

const shells: readonly Shell[] = [
  {
    name: 'bash',
    // bash cuts words at "=".
    program: (script, words) => {
      const cut = words.flatMap((word) => word.split(/(=)/).filter((part, i) => i === 0 || part !== ''))
      return `
compopt() { echo FILES; }
source '${script}'
COMP_WORDS=(${cut.map(quote).join(' ')})
COMP_CWORD=${cut.length - 1}
$(complete -p geartrain | sed "s/.*-F \\([^ ]*\\).*/\\1/")
printf '%s\\n' "\${COMPREPLY[@]}"`
    },
  },
  {
    name: 'zsh',
    // Its completion runs in the line editor only, so what it is told is told to these.
    program: (script, words) => `
compdef() { completer=$1 }
compset() { PREFIX=\${PREFIX#*=} }
_files() { print FILES }
offer() { for word in "$@"; do [[ $word == "$PREFIX"* ]] && print -r -- "\${word%%:*}"; done }
compadd() { offer "\${@:#--}" }
_describe() { offer "\${(@P)@[-1]}" }
source '${script}' 2>/dev/null
words=(${words.map(quote).join(' ')}) CURRENT=${words.length} PREFIX=${quote(words.at(-1) ?? '')}
$completer`,
  },
  {
    name: 'fish',
    program: (script, words) => `
source '${script}'
complete -C '${words.join(' ')}' | string replace -r '\\t.*' ''`,
  },
]

const commands = [
  'serve',
  'demo',
  'store',
  'do',
  'work',
  'status',
  'workers',
  'jobs',
  'cancel',
  'top',
  'monitor',
  'gearmand',
]
const controlCommands = ['function', 'dead', 'job', 'schedule']

/** What is offered has all of `offered` and none of `others`. */
type Row = {
  readonly words: readonly string[]
  readonly offered: readonly string[]
  readonly others?: readonly string[]
}

const rows: readonly Row[] = [
  { words: [''], offered: [...commands, ...controlCommands, 'completion'], others: ['check', 'FILES'] },
  { words: ['st'], offered: ['store', 'status'], others: ['serve'] },
  { words: ['store', ''], offered: ['check', 'stats', 'export', 'import', 'backup'], others: ['serve', 'FILES'] },
  { words: ['store', 'check', '--f'], offered: ['--full'], others: ['--json', '--force'] },
  { words: ['--ver'], offered: ['--version'] },
  { words: ['mon'], offered: ['monitor'] },
  { words: ['monitor', '--ht'], offered: ['--http', '--http-hosts'], others: ['--port', '--serv'] },
  { words: ['do', '--'], offered: ['--servers', '--each-line', '--help'], others: ['--concurrency'] },
  { words: ['do', 'status', '--each'], offered: ['--each-line'] },
  { words: ['do', '--priority', ''], offered: ['high', 'normal', 'low'], others: ['serve'] },
  { words: ['do', 'f', '--priority', 'h'], offered: ['high'], others: ['low'] },
  { words: ['do', '--at', ''], offered: [], others: ['high', 'serve', 'FILES', 'driver'] },
  { words: ['completion', ''], offered: ['bash', 'zsh', 'fish'], others: ['FILES'] },
  { words: ['function', ''], offered: ['list', 'set', 'undrain'], others: ['retry', 'FILES'] },
  { words: ['function', 'set', 'f', '--backoff-f'], offered: ['--backoff-first'], others: ['--backoff-max'] },
  { words: ['function', 'set', 'f', '--unset', ''], offered: ['attempts', 'keep-results'], others: ['high'] },
  { words: ['job', 'prioritize', 'H:x:1', ''], offered: ['high', 'normal', 'low'] },
  { words: ['job', 'cancel', '--'], offered: ['--servers'], others: ['--unique'] },
  { words: ['dead', 'list', '--reason', ''], offered: ['failed', 'expired'] },
  { words: ['schedule', 'add', '--missed', ''], offered: ['skip', 'once', 'all'] },
  { words: ['gearmand', '--queue'], offered: ['--queue-type'] },
]

/** Where fish gives names of files themselves. */
const fileRows: readonly Row[] = [
  { words: ['do', 'f', '--file', ''], offered: ['FILES'] },
  { words: ['store', 'import', ''], offered: ['FILES'] },
  { words: ['monitor', '--config', ''], offered: ['FILES'] },
  { words: ['dead', 'retry', '--payload-file', ''], offered: ['FILES'] },
]

const valueRows: readonly Row[] = [
  { words: ['do', '--priority='], offered: ['high', 'normal', 'low'] },
  { words: ['do', '--priority=h'], offered: ['high'], others: ['low'] },
]

for (const { name, program } of shells) {
  describe(`geartrain completion ${name}`, () => {
    if (isMissing(name)) {
      it('all of it', (t) => t.skip(`${name} is not installed: apt-get install ${name}`))
      return
    }
    const own = name === 'fish' ? rows : [...rows, ...fileRows, ...valueRows]
    for (const { words, offered, others = [] } of own) {
      it(['geartrain', ...words].join(' '), async () => {
        using directory = scratch()
        const { code, stdout, stderr } = await geartrain(['completion', name])
        assert.deepEqual([code, stderr], [0, ''])
        const [script, driver] = [directory.path('completion'), directory.path('driver')]
        writeFileSync(script, stdout)
        writeFileSync(driver, program(script, ['geartrain', ...words]))
        const shell = spawnSync(name, [...(name === 'zsh' ? ['-f'] : []), driver], {
          cwd: directory.path(''),
          env: { ...process.env, HOME: directory.path('') },
          encoding: 'utf8',
        })
        assert.equal(shell.stderr, '')
        const found = shell.stdout.split('\n').filter((word) => word !== '')
        assert.deepEqual(
          offered.filter((word) => !found.includes(word)),
          [],
          `of what is offered there is only:\n${shell.stdout}`,
        )
        assert.deepEqual(
          others.filter((word) => found.includes(word)),
          [],
        )
      })
    }
  })
}

it('a shell that is not known', async () => {
  const { code, stderr } = await geartrain(['completion', 'tcsh'])
  const sentence = "command-argument value 'tcsh' is invalid for argument 'shell'. Allowed choices are bash, zsh, fish."
  assert.deepEqual([code, stderr], [2, `geartrain completion: ${sentence}\n`])
})

function isMissing(shell: string): boolean {
  return spawnSync(shell, ['--version'], { stdio: 'ignore' }).status !== 0
}

function quote(text: string): string {
  return `'${text}'`
}
