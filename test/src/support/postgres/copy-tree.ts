import { chown, constants, copyFile, lstat, mkdir, readdir, readlink, symlink } from 'node:fs/promises'
import { join } from 'node:path'

export type Owner = { readonly uid: number; readonly gid: number }

/**
 * Copies a folder as it is now. What vanishes meanwhile is left out, as is all that `isLeftOut` names (by its path below
 * `from`). `owner` is whose the copies are, if not the caller's.
 */
export async function copyTree(
  from: string,
  to: string,
  owner: Owner | undefined,
  isLeftOut: (path: string) => boolean = () => false,
): Promise<void> {
  const copyFolder = async (path: string): Promise<void> => {
    await mkdir(join(to, path), { mode: (await lstat(join(from, path))).mode })
    if (owner !== undefined) await chown(join(to, path), owner.uid, owner.gid)
    const entries = await readdir(join(from, path), { withFileTypes: true })
    await Promise.all(
      entries.map(async (entry) => {
        const inner = join(path, entry.name)
        if (isLeftOut(inner)) return
        try {
          if (entry.isDirectory()) await copyFolder(inner)
          else if (entry.isSymbolicLink()) await symlink(await readlink(join(from, inner)), join(to, inner))
          else {
            await copyFile(join(from, inner), join(to, inner), constants.COPYFILE_FICLONE)
            if (owner !== undefined) await chown(join(to, inner), owner.uid, owner.gid)
          }
        } catch (error) {
          if (!(error instanceof Error) || !('code' in error) || error.code !== 'ENOENT') throw error
        }
      }),
    )
  }
  await copyFolder('')
}
