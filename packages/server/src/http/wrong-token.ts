import { wrongTokenSentence } from '../access/denied.ts'
import { Problem } from './problem.ts'

/** A token was shown that lets nobody in, which is logged. */
export class WrongToken extends Problem {
  constructor() {
    super('UNAUTHORIZED', wrongTokenSentence())
  }
}
