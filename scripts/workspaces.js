import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './ensure-built.js'

/** Folders of the packages that are published. */
export function packageFolders() {
  return readdirSync(join(root, 'packages')).map((name) => join(root, 'packages', name))
}

/** Everything that builds into a `dist` folder. */
export function builtFolders() {
  return [...packageFolders(), join(root, 'test'), join(root, 'bench')]
}
