import type { JSX } from 'preact'
import { Icon } from './icon.tsx'
import { toast } from './toast.tsx'

export function CopyButton({ text, label }: { readonly text: string; readonly label: string }): JSX.Element {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      toast('Copied.')
    } catch {
      // Browsers give the clipboard to pages of https and of this machine alone.
      toast('This browser does not let the page copy: select the text instead.', 'bad')
    }
  }
  return (
    <button type="button" class="button icon-button" title={label} aria-label={label} onClick={() => void copy()}>
      <Icon name="copy" />
    </button>
  )
}
