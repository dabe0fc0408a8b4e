/** The command line is wrong: exit code 2, as everywhere. */
export class UsageError extends Error {}

/** What can be said of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
