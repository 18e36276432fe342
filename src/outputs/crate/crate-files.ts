import type { ArchiveEntry } from '../../archive/folder-zip/stored-zip.ts'
import type { InputEntry } from '../../inputs/array-inputs.ts'
import { MAX_COPIED_BYTES, MAX_COPIED_FILES } from '../../inputs/prepared-file.ts'
import type { TaskInput, TaskOutput } from '../../task/task.ts'

type Parameter = TaskInput | TaskOutput

/** Folder of the crate. */
type Role = 'inputs' | 'outputs'

/** Content of the crate for one parameter with a value. */
export interface CrateParameter {
  readonly role: Role
  readonly parameter: Parameter
  /** The value is a folder: an array, or a DICOM image. */
  readonly isFolder: boolean
  /** Files in the crate; names are paths in it. */
  readonly files: readonly ArchiveEntry[]
  readonly omitted: OmittedFiles
}

/** Files that exceeded the limits. */
export interface OmittedFiles {
  readonly files: number
  readonly bytes: number
  /** Digest of a single file, if it was computed when the file was stored (src/shared/content-digest.ts). */
  readonly digest?: string
}

/** Maximum length of the metadata, in characters. */
const MAX_METADATA_LENGTH = 16 * 1024 ** 2

/** Estimated length of a file's description without its names. */
const DESCRIPTION_LENGTH = 400

/**
 * Limits of a crate: {@link MAX_COPIED_FILES} files of {@link MAX_COPIED_BYTES} in total, and about {@link MAX_METADATA_LENGTH}
 * characters of their descriptions. Hostile names require the last limit: a name has up to 4096 bytes, three times as many when
 * encoded.
 */
export class CrateBudget {
  #files = MAX_COPIED_FILES
  #bytes = MAX_COPIED_BYTES
  #length = MAX_METADATA_LENGTH

  /** @returns whether the file fits; if so, it is counted */
  take({ name, sizeBytes }: ArchiveEntry): boolean {
    const length = DESCRIPTION_LENGTH + name.length + 2 * pathUri(name).length
    if (this.#files < 1 || this.#bytes < sizeBytes || this.#length < length) return false
    this.#files -= 1
    this.#bytes -= sizeBytes
    this.#length -= length
    return true
  }
}

/** Relative URI of a path. Names are untrusted, since tasks and users choose them. */
export function pathUri(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}

/** Path of the parameter's folder, ending in a slash; undefined when the crate has no file of it. */
export function folderOf({ role, parameter, files }: CrateParameter): string | undefined {
  const folder = `${role}/${parameter.name}/`
  return files.some(({ name }) => name.startsWith(folder)) ? folder : undefined
}

/** Groups the entries by parameter, in the order of the parameters, and drops those beyond the limits. */
export function chooseFiles(
  { role, parameters }: { readonly role: Role; readonly parameters: readonly Parameter[] },
  entries: readonly InputEntry[],
  budget: CrateBudget,
): readonly CrateParameter[] {
  const byName = new Map<string, InputEntry[]>()
  for (const entry of entries) {
    // Parameter names have no dot and no slash.
    const [name = ''] = entry.name.split(/[./]/u, 1)
    const known = byName.get(name)
    if (known === undefined) byName.set(name, [entry])
    else known.push(entry)
  }
  return parameters.flatMap((parameter) => {
    const own = byName.get(parameter.name)
    return own === undefined ? [] : [chooseOf({ role, parameter }, own, budget)]
  })
}

/** Digest of an entry that is an object itself; the digest of a zip is not that of its files. */
function digestOf({ object }: InputEntry): string | undefined {
  return object?.kind === 'object' ? object.digest : undefined
}

function chooseOf(
  { role, parameter }: Pick<CrateParameter, 'role' | 'parameter'>,
  entries: readonly InputEntry[],
  budget: CrateBudget,
): CrateParameter {
  const files: ArchiveEntry[] = []
  let omitted: OmittedFiles = { files: 0, bytes: 0 }
  for (const entry of entries) {
    const file = { ...entry, name: `${role}/${entry.name}` }
    if (budget.take(file)) {
      files.push(file)
    } else {
      const digest = omitted.files === 0 ? digestOf(entry) : undefined
      omitted = {
        files: omitted.files + 1,
        bytes: omitted.bytes + entry.sizeBytes,
        ...(digest !== undefined && { digest }),
      }
    }
  }
  const isFolder = entries.some(({ name }) => name.startsWith(`${parameter.name}/`))
  return { role, parameter, isFolder, files, omitted }
}
