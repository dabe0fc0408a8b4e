import type { JSX } from 'preact'
import { Dialog } from '../parts/dialog.tsx'
import { about } from '../session/session.ts'
import { isHelpOpen, keyHelp, monitorKeys } from './keys.ts'

export function KeyHelp(): JSX.Element | null {
  if (!isHelpOpen.value) return null
  const rows = about.value?.kind === 'monitor' ? keyHelp.filter(([key]) => monitorKeys.has(key)) : keyHelp
  const close = () => {
    isHelpOpen.value = false
  }
  return (
    <Dialog title="Keys" onClose={close}>
      <dl class="key-list">
        {rows.map(([key, what]) => (
          <div key={key}>
            <dt>
              {key.split(/ +/).map((each) => (
                <kbd key={each}>{each}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}
