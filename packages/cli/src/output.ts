const brokenPipeCode = 141

/** A line on stdout. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** A sentence on stderr, by a command that goes on. */
export function complain(command: string, sentence: string): void {
  process.stderr.write(`geartrain ${command}: ${sentence}\n`)
}

/** If whoever reads stdout has gone, as in `| head -1`, the command ends without a word, as C programs do by SIGPIPE. */
export function endWithReader(): void {
  process.stdout.on('error', onStdoutError)
}

/** The command says itself what is wrong with stdout. */
export function goOnWithoutReader(): void {
  process.stdout.off('error', onStdoutError)
}

function onStdoutError(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(brokenPipeCode)
  throw error
}

/**
 * On Ctrl-C, `clear` takes away what is drawn, and then the signal ends the command: a shell says 130, and ends the
 * loop that the command is in, which it would not for an exit code.
 */
export function endOnInterrupt(clear: () => void): void {
  process.once('SIGINT', () => {
    clear()
    process.kill(process.pid, 'SIGINT')
  })
}
