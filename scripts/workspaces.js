import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './ensure-built.js'

/** Folders of the packages that are published. */
export function packageFolders() {
  return allPackageFolders().filter((folder) => !JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).private)
}

/** Everything that builds into a `dist` folder. */
export function builtFolders() {
  return [...allPackageFolders(), join(root, 'test'), join(root, 'bench')]
}

function allPackageFolders() {
  return readdirSync(join(root, 'packages')).map((name) => join(root, 'packages', name))
}
