import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// A test that is killed runs no hooks of its own. So a shell waits until this process has ended, whichever way, ends
// the PostgreSQL of each folder that is still there, also one that stands still, and removes it. It is known by its
// working directory, and told to quit rather than killed: then it gives its shared memory back.
const clearing = `
while IFS= read -r folder; do folders="$folders
$folder"; done
IFS='
'
for folder in $folders; do
  [ -d "$folder" ] || continue
  for cwd in /proc/[0-9]*/cwd; do
    [ "$cwd" -ef "$folder/data" ] || continue
    pid=\${cwd#/proc/}
    kill -QUIT "\${pid%/cwd}"
    kill -CONT "\${pid%/cwd}"
  done
  for attempt in 1 2 3 4 5 6 7 8 9 10; do rm -rf "$folder" 2>/dev/null && break || sleep 1; done
done`

let shell: ChildProcess | undefined

/** A folder that is gone, with the PostgreSQL that runs in its `data`, soon after this process has ended. */
export async function ownFolder(): Promise<string> {
  // Short, since the path of a Unix socket in it may have 107 bytes.
  const folder = await mkdtemp(join(tmpdir(), 'gtpg-'))
  if (shell === undefined) {
    shell = spawn('sh', ['-c', clearing], { cwd: '/', stdio: ['pipe', 'ignore', 'ignore'], detached: true })
    shell.unref()
    if (shell.stdin instanceof Socket) shell.stdin.unref()
  }
  shell.stdin?.write(`${folder}\n`)
  return folder
}
