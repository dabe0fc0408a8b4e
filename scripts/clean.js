import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { builtFolders } from './workspaces.js'

for (const folder of builtFolders()) rmSync(join(folder, 'dist'), { recursive: true, force: true })
