import type { ComponentChildren, JSX } from 'preact'
import { useState } from 'preact/hooks'
import { toast } from './toast.tsx'

/**
 * Does something at the server. While that is under way it can't be pressed again; a refusal is told. `run` asks first
 * where that is due, and gives what is to be told of its success; undefined: nothing.
 */
export function ActionButton(props: {
  readonly run: () => Promise<string | undefined>
  readonly children: ComponentChildren
  /** What is most likely meant. Whatever can't be taken back is asked about, and marked there. */
  readonly isPrimary?: boolean
  readonly title?: string
  readonly isDisabled?: boolean
}): JSX.Element {
  const [isBusy, setBusy] = useState(false)
  const press = async () => {
    if (isBusy) return
    setBusy(true)
    await act(props.run)
    setBusy(false)
  }
  return (
    <button
      type="button"
      class={props.isPrimary === true ? 'button primary' : 'button'}
      title={props.title}
      disabled={props.isDisabled === true}
      // One that is disabled can't get the focus back from the dialog that asks.
      aria-disabled={isBusy}
      onClick={() => void press()}
    >
      {props.children}
    </button>
  )
}

/** Tells what has become of it. False: it was refused. */
export async function act(run: () => Promise<string | undefined>): Promise<boolean> {
  try {
    const told = await run()
    if (told !== undefined) toast(told)
    return true
  } catch (error) {
    toast(error instanceof Error ? error.message : String(error), 'bad')
    return false
  }
}
