import { posix } from 'node:path'
import { quoted } from '../../src/contract/quoted.ts'
import type { ImageTree } from '../image/image-tree.ts'
import { type Finding, problem } from './finding.ts'
import type { ReadImage } from './read-image.ts'

/** User of an image; `uid` is undefined when it is not known. */
interface ImageUser {
  readonly uid: number | undefined
  readonly findings: readonly Finding[]
}

/** Largest id of a user or group that runc, docker and podman accept. */
const MAX_ID = 2 ** 31 - 1

/** Reads the image's user. A user or group given by name must be in the image's files. */
export async function readUser(image: ReadImage): Promise<ImageUser> {
  const given = image.config.config?.User ?? ''
  const [user = '', group = '', ...others] = given.split(':')
  if (others.length > 0) {
    const words = `its user ${quoted(given)} has more than one colon; write USER as user:group, such as 1000:1000`
    return { uid: undefined, findings: [problem('image', words)] }
  }
  const { id, findings } = await idOf(image, user, { what: 'user', file: '/etc/passwd' })
  const ofGroup = await idOf(image, group, { what: 'group', file: '/etc/group' })
  return { uid: id, findings: [...findings, ...ofGroup.findings] }
}

async function idOf(
  { tree, textOf }: ReadImage,
  name: string,
  { what, file }: { readonly what: string; readonly file: string },
): Promise<{ readonly id: number | undefined; readonly findings: readonly Finding[] }> {
  if (name === '' || name === 'root') return { id: 0, findings: [] }
  if (/^\d+$/u.test(name)) {
    if (Number(name) <= MAX_ID) return { id: Number(name), findings: [] }
    const words = `its ${what} ${quoted(name)} is larger than container engines accept; write USER with a number up to ${MAX_ID}`
    return { id: undefined, findings: [problem('image', words)] }
  }
  const entry = tree.find(file)
  const text = entry === undefined ? '' : await textOf(entry)
  const line = text?.split('\n').find((one) => one.startsWith(`${name}:`))
  if (text === undefined) return { id: undefined, findings: [] }
  if (line !== undefined) {
    const [, , id = ''] = line.split(':')
    return { id: /^\d+$/u.test(id) ? Number(id) : undefined, findings: [] }
  }
  const why = entry === undefined ? `as the image has no ${file}` : `as ${file} has no such ${what}`
  const words = `its ${what} ${quoted(name)} does not exist, ${why}; write USER with a number, or create the ${what}`
  return { id: undefined, findings: [problem('image', words)] }
}

const ROOT = 0
/** Permission bits that allow it. The group counts as others, since a user's groups are not known. */
const EXECUTE = { owner: 0o100, others: 0o011 } as const

/** Reason why a user cannot execute a file: the first part of its path without permission; undefined when there is none. */
export function closedTo(tree: ImageTree, uid: number | undefined, path: string): string | undefined {
  const real = tree.realPath(path)
  if (uid === undefined || uid === ROOT || real === undefined) return undefined
  const names = real.split('/').filter(Boolean)
  for (const at of names.map((_, index) => posix.join('/', ...names.slice(0, index + 1)))) {
    const entry = tree.find(at)
    if (entry === undefined || entry.uid < 0) continue
    const needed = entry.uid === uid ? EXECUTE.owner : EXECUTE.others
    if ((entry.mode & needed) === 0) {
      return `${at} has mode ${entry.mode.toString(8)} and belongs to uid ${entry.uid}`
    }
  }
  return undefined
}
