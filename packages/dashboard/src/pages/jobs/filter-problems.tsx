import type { JSX } from 'preact'
import type { Problem } from '../../filter/filter.ts'

/** Which words of a filter count for nothing, and why. Picking one selects it. */
export function FilterProblems(props: {
  readonly id: string
  readonly problems: readonly Problem[]
  readonly onPick: (problem: Problem) => void
}): JSX.Element {
  const { id, problems, onPick } = props
  return (
    <div id={id} class="filter-problems" role="status">
      {problems.map((problem) => (
        <p key={problem.start} class="problem">
          <button type="button" class="mono" title="Show where" onClick={() => onPick(problem)}>
            {problem.word}
          </button>{' '}
          {problem.message}
        </p>
      ))}
    </div>
  )
}
