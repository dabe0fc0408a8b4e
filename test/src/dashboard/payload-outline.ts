import type { Tree } from '@geartrain/dashboard/payload/tree'

/** A tree in a line, for tables: `Point {x (private): 1, list: [0: "a"]}`. */
export function outline(tree: Tree): string {
  switch (tree.kind) {
    case 'text':
      return `"${tree.text}"`
    case 'bytes':
      return `<${Buffer.from(tree.bytes).toString('hex')}>`
    case 'number':
    case 'word':
      return tree.text
    case 'list':
    case 'map': {
      const entries = tree.entries.map(
        ({ key, note, value }) => `${key}${note === undefined ? '' : ` (${note})`}: ${outline(value)}`,
      )
      const label = tree.label === undefined ? '' : `${tree.label} `
      return tree.kind === 'list' ? `${label}[${entries.join(', ')}]` : `${label}{${entries.join(', ')}}`
    }
  }
}
