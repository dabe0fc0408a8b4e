import type { JSX } from 'preact'
import type { JobOrder } from './use-jobs-address.ts'

export function OrderChoice(props: {
  readonly order: JobOrder
  readonly onChange: (order: JobOrder) => void
}): JSX.Element {
  const { order, onChange } = props
  return (
    <div class="order-choice" role="group" aria-label="Order">
      {(['oldest', 'newest'] as const).map((each) => (
        <button key={each} type="button" class="button" aria-pressed={order === each} onClick={() => onChange(each)}>
          {each === 'oldest' ? 'Oldest first' : 'Newest first'}
        </button>
      ))}
    </div>
  )
}
