import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { hexBytes } from '../../payload/hex.ts'
import { type Branch, isBranch, type Tree, type TreeEntry } from '../../payload/tree.ts'
import { count, counted } from '../../text/numbers.ts'

/** A tree of no more parts is shown whole; of others what is below the first level is closed. */
const openPartsMax = 300
const entriesShown = 100
const charactersShown = 1000
const bytesShown = 32

/** A payload of parts. What is closed is not drawn, so that the largest one costs no more than what is seen of it. */
export function TreeView({ tree }: { readonly tree: Tree }): JSX.Element {
  const openTo = countParts(tree, openPartsMax) < openPartsMax ? Number.POSITIVE_INFINITY : 1
  return (
    <div class="tree">
      {isBranch(tree) ? (
        <BranchView entry={{ key: '', value: tree }} branch={tree} depth={0} openTo={openTo} />
      ) : (
        <Leaf tree={tree} />
      )}
    </div>
  )
}

interface BranchProps {
  /** Under which it stands in its parent. */
  readonly entry: TreeEntry
  readonly branch: Branch
  readonly depth: number
  readonly openTo: number
}

function BranchView({ entry, branch, depth, openTo }: BranchProps): JSX.Element {
  const [isOpen, setOpen] = useState(depth < openTo)
  const [shown, setShown] = useState(entriesShown)
  const { entries, kind, label } = branch
  const name = depth === 0 ? null : <Key entry={entry} />
  if (entries.length === 0) {
    return (
      <div class="tree-row">
        {name}
        {label} <span class="muted">{kind === 'list' ? '[]' : '{}'}</span>
      </div>
    )
  }
  return (
    <details open={isOpen} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary class="tree-row">
        {name}
        {label === undefined ? null : <span class="tree-label">{label} </span>}
        <span class="muted">
          {kind === 'list' ? `[${counted(entries.length, 'item')}]` : `{${counted(entries.length, 'key')}}`}
        </span>
      </summary>
      {isOpen ? (
        <div class="tree-children">
          {entries.slice(0, shown).map((each, index) => (
            <Entry key={index} entry={each} depth={depth + 1} openTo={openTo} />
          ))}
          {shown < entries.length ? (
            <button type="button" class="button tree-more" onClick={() => setShown(shown * 2)}>
              Show more of {count(entries.length)}
            </button>
          ) : null}
        </div>
      ) : null}
    </details>
  )
}

function Entry({ entry, depth, openTo }: Omit<BranchProps, 'branch'>): JSX.Element {
  const { value } = entry
  if (isBranch(value)) return <BranchView entry={entry} branch={value} depth={depth} openTo={openTo} />
  return (
    <div class="tree-row">
      <Key entry={entry} />
      <Leaf tree={value} />
    </div>
  )
}

function Key({ entry: { key, note } }: { readonly entry: TreeEntry }): JSX.Element {
  return (
    <>
      <span class="tree-key">{key === '' ? '""' : key}</span>
      {note === undefined ? null : <span class="muted"> ({note})</span>}:{' '}
    </>
  )
}

function Leaf({ tree }: { readonly tree: Exclude<Tree, Branch> }): JSX.Element {
  const [isWhole, setWhole] = useState(false)
  if (tree.kind === 'bytes') {
    const { bytes } = tree
    return (
      <span class="tree-number">
        {hexBytes(bytes.subarray(0, bytesShown))}
        <span class="muted">
          {bytes.length > bytesShown ? ' …' : ''} ({counted(bytes.length, 'byte')}, no text)
        </span>
      </span>
    )
  }
  if (tree.kind !== 'text') return <span class={`tree-${tree.kind}`}>{tree.text}</span>
  const { text } = tree
  if (isWhole || text.length <= charactersShown) return <span class="tree-text">"{text}"</span>
  return (
    <span class="tree-text">
      "{text.slice(0, charactersShown)}…{' '}
      <button type="button" class="button tree-more" onClick={() => setWhole(true)}>
        Show all {count(text.length)} characters
      </button>
    </span>
  )
}

/** No further than up to `most`. */
function countParts(tree: Tree, most: number): number {
  if (!isBranch(tree)) return 1
  let parts = 1
  for (const { value } of tree.entries) {
    if (parts >= most) break
    parts += countParts(value, most - parts)
  }
  return parts
}
