import type { JSX } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import { CopyButton } from '../../parts/copy-button.tsx'
import { Icon } from '../../parts/icon.tsx'
import { Section } from '../../parts/page.tsx'
import { Segments } from '../../parts/segments.tsx'
import { useQuery } from '../../parts/use-query.ts'
import { hexDump } from '../../payload/hex.ts'
import { type ViewName, type Views, viewsOf } from '../../payload/views.ts'
import { bytes as sizeText } from '../../text/numbers.ts'
import { TreeView } from './tree-view.tsx'
import type { Source } from './use-payloads.ts'

const viewTexts: Readonly<Record<ViewName, string>> = { json: 'JSON', php: 'PHP', text: 'Text', hex: 'Hex' }

/** A payload or a result. `name` is the parameter of the address that says how it is looked at. */
export function PayloadPanel(props: {
  readonly title: string
  readonly name: 'payload' | 'result'
  readonly source: Source
  readonly fileName: string
}): JSX.Element {
  const { title, name, source, fileName } = props
  if (source.kind !== 'bytes') {
    return (
      <Section title={title}>
        <p class="card payload-none muted">{source.kind === 'none' ? source.why : 'Loading …'}</p>
      </Section>
    )
  }
  const { bytes, isWhole, size } = source.known
  const download =
    source.download === undefined ? null : (
      <a class="button" href={source.download} download={fileName}>
        <Icon name="download" />
        Download
      </a>
    )
  return <Known title={title} name={name} bytes={bytes} isWhole={isWhole} size={size} download={download} />
}

function Known(props: {
  readonly title: string
  readonly name: string
  readonly bytes: Uint8Array
  readonly isWhole: boolean
  readonly size: number | undefined
  readonly download: JSX.Element | null
}): JSX.Element {
  const { title, name, bytes, isWhole, size, download } = props
  const views = useMemo(() => viewsOf(bytes, isWhole), [bytes, isWhole])
  const [asked, choose] = useQuery(name)
  const view = views.names.find((each) => each === asked) ?? views.best
  const total = size === undefined ? `more than ${sizeText(bytes.length)}` : sizeText(size)
  const actions = (
    <div class="payload-actions">
      <span class="muted">{total}</span>
      {bytes.length === 0 ? null : (
        <Segments
          label={`How to show the ${name}`}
          choices={views.names.map((each) => [each, viewTexts[each]] as const)}
          chosen={view}
          onChoose={choose}
        />
      )}
      {isWhole && bytes.length > 0 ? <CopyView views={views} view={view} bytes={bytes} name={name} /> : null}
      {download}
    </div>
  )
  return (
    <Section title={title} actions={actions}>
      {bytes.length === 0 ? (
        <p class="card payload-none muted">It is empty.</p>
      ) : (
        <View views={views} view={view} bytes={bytes} isWhole={isWhole} title={title} />
      )}
    </Section>
  )
}

/** As it was sent, where that is text. */
function CopyView(props: {
  readonly views: Views
  readonly view: ViewName
  readonly bytes: Uint8Array
  readonly name: string
}): JSX.Element {
  const { views, view, bytes, name } = props
  const isHex = view === 'hex' || !views.isText
  const text = useMemo(() => (isHex ? hexDump(bytes) : views.text), [isHex, bytes, views])
  return <CopyButton text={text} label={isHex ? `Copy the ${name} as hex` : `Copy the ${name}`} />
}

/** Of text and bytes, so much at first; then all that there is. */
const shownMax = 64 * 1024

function View(props: {
  readonly views: Views
  readonly view: ViewName
  readonly bytes: Uint8Array
  readonly isWhole: boolean
  readonly title: string
}): JSX.Element {
  const { views, view, bytes, isWhole, title } = props
  const [isAll, setAll] = useState(false)
  const most = isAll ? bytes.length : shownMax
  const shown = useMemo(
    () => (view === 'hex' ? hexDump(bytes.subarray(0, most)) : views.text.slice(0, most)),
    [view, bytes, views, most],
  )
  const tree = view === 'json' ? views.json : view === 'php' ? views.php : undefined
  if (tree !== undefined) {
    return (
      <div class="card payload" tabIndex={0} role="region" aria-label={title}>
        <TreeView tree={tree} />
      </div>
    )
  }
  return (
    <>
      <pre class={`card payload ${view}`} tabIndex={0} role="region" aria-label={title}>
        {shown}
      </pre>
      {most < bytes.length ? (
        <p class="payload-more">
          <span class="muted">The first {sizeText(most)} are shown.</span>
          <button type="button" class="button" onClick={() => setAll(true)}>
            Show {isWhole ? 'all' : 'more'}
          </button>
        </p>
      ) : isWhole ? null : (
        <p class="payload-more muted">The first {sizeText(bytes.length)} are shown. Download it to see the rest.</p>
      )}
    </>
  )
}
