import { priorities, type Submission } from '@geartrain/engine'
import type { EngineRules } from './engine-rules.ts'
import { perform } from './rules.ts'

/*
 * The commands of the rules, and those of policies, which the naive model has not:
 *
 *   policy f attempts=3 timeoutMs=500          the policy of f, with what is not said as gearmand has it
 *   prioritize #1 high                         a job goes to the end of another line
 *   wes cancellation                           the worker wants to be told that a job is its own no longer
 *   ann SUBMIT_THEN f u hello g                a background job whose result goes on to g
 */
export function performWithPolicies(line: string, rules: EngineRules): string[] {
  const [first = '', ...rest] = line.split(' ').map((word) => (word === "''" ? '' : word))
  if (first === 'policy') {
    const [name = '', ...words] = rest
    rules.setPolicy(name, words)
    return []
  }
  if (first === 'prioritize') {
    const [number = '', name = ''] = rest
    const priority = Object.entries(priorities).find(([known]) => known === name)?.[1] ?? priorities.normal
    return [rules.prioritize(Number(number.slice(1)), priority)]
  }
  const [command, ...args] = rest
  if (command !== 'cancellation' && command !== 'SUBMIT_THEN') return perform(line, rules)
  rules.connect(first)
  rules.settleGrab(first)
  if (command === 'cancellation') rules.wantCancellation(first)
  else rules.submit(first, chained(args))
  return []
}

function chained([name = '', unique = '', workload = '', then = '']: readonly string[]): Submission {
  const { normal: priority } = priorities
  return {
    function: name,
    unique,
    workload: Buffer.from(workload),
    priority,
    background: true,
    runAt: 0,
    reducer: '',
    then,
    options: '',
    trace: '',
  }
}
