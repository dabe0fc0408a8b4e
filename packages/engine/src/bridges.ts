import { List } from './list.ts'
import type { Ability } from './session.ts'

/**
 * Other servers that ask for foreground jobs of a function, each through a session of its own. They are not its workers:
 * they get what no worker here is about to take.
 */
export class Bridges {
  /** Jobs that they have. These are limited where they are done. */
  runningCount = 0
  /** Those that were woken and have not grabbed since. */
  wokenCount = 0
  readonly sleepers: List<Ability> = new List<Ability>()
  readonly grabbers: List<Ability> = new List<Ability>()
}
