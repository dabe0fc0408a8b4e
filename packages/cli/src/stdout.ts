/** Resolves when all that was written to stdout has been taken: where it is a socket, what has not would be lost at exit. */
export function stdoutTaken(): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write('', () => resolve())
  })
}
