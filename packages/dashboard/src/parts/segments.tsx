import type { JSX } from 'preact'

/** One of a few, all of which are in sight. */
export function Segments<Choice extends string>(props: {
  /** What is chosen; read aloud. */
  readonly label: string
  readonly choices: readonly (readonly [choice: Choice, text: string])[]
  readonly chosen: Choice
  readonly onChoose: (choice: Choice) => void
}): JSX.Element {
  const { label, choices, chosen, onChoose } = props
  return (
    <div class="segments" role="group" aria-label={label}>
      {choices.map(([choice, text]) => (
        <button key={choice} type="button" aria-pressed={choice === chosen} onClick={() => onChoose(choice)}>
          {text}
        </button>
      ))}
    </div>
  )
}
