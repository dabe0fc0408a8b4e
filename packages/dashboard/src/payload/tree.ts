/** A payload that was taken apart, to be shown: nothing of it becomes an object of ours. */
export type Tree =
  | { readonly kind: 'text'; readonly text: string }
  /** A text that is no UTF-8. */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** As it is written there: numbers may be larger than those of JavaScript. */
  | { readonly kind: 'number' | 'word'; readonly text: string }
  | Branch

export interface Branch {
  readonly kind: 'list' | 'map'
  /** Its class. */
  readonly label?: string
  readonly entries: readonly TreeEntry[]
}

export interface TreeEntry {
  /** Of a list its place, from 0 on. There can be several of one key. */
  readonly key: string
  /** Who may see a property: `private`. */
  readonly note?: string
  readonly value: Tree
}

export function isBranch(tree: Tree): tree is Branch {
  return tree.kind === 'list' || tree.kind === 'map'
}
