import type { ControlAnswer } from '@geartrain/protocol'
import type { Control } from '../control/control.ts'
import type { HttpContext } from './context.ts'
import { withTexts } from './names.ts'
import { problemOf } from './problem.ts'

/** Operations of Control for those who come over HTTP: names as text, errors as problems. */
export function performOver(control: Control): HttpContext['perform'] {
  return async (op, params, actor) => {
    const answer = await new Promise<ControlAnswer<unknown>>((resolve) => {
      control.perform({ op, ...params }, actor, resolve)
    })
    if (!answer.ok) throw problemOf(answer.error)
    // An operation gives its own answer, and texts are in it where names were.
    return withTexts(answer.answer) as never
  }
}
