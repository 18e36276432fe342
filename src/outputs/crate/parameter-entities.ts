import type { ArchiveEntry } from '../../archive/folder-zip/stored-zip.ts'
import { ARRAY_METADATA } from '../../contract/staging.ts'
import { wholeSha256 } from '../../shared/content-digest.ts'
import { leafOf, type ParameterTypeId } from '../../task/task.ts'
import { type CrateParameter, folderOf, pathUri } from './crate-files.ts'
import { type Entity, refsTo } from './entity.ts'

/** Inputs or outputs in the crate's metadata. */
interface DescribedParameters {
  readonly entities: readonly Entity[]
  /** Entities that are parts of the crate itself; files in a folder are parts of the folder. */
  readonly parts: readonly Entity[]
  /** Entities that the action has read or written. */
  readonly values: readonly Entity[]
}

const FORMATS: Readonly<Record<ParameterTypeId, string>> = {
  boolean: 'text/plain',
  integer: 'text/plain',
  number: 'text/plain',
  string: 'text/plain',
  enumeration: 'text/plain',
  datetime: 'text/plain',
  geometry: 'application/geo+json',
  image: 'application/octet-stream',
  file: 'application/octet-stream',
  array: 'application/octet-stream',
}

/**
 * Describes each value: a file, or a folder with its files. A value beyond the limits has an id that is not a path, and the
 * digest that was computed when it was stored, if there is one.
 * @param digestOf SHA-256 of a file of the crate, in hexadecimal digits
 */
export function describeParameters(
  parameters: readonly CrateParameter[],
  digestOf: (name: string) => string,
): DescribedParameters {
  const all = parameters.map((one) => describeParameter(one, digestOf))
  return {
    entities: all.flatMap(({ entities }) => entities),
    parts: all.flatMap(({ parts }) => parts),
    values: all.flatMap(({ values }) => values),
  }
}

function describeParameter(one: CrateParameter, digestOf: (name: string) => string): DescribedParameters {
  const { role, parameter, isFolder, files, omitted } = one
  const described = files.map((file) => describeFile(file, one, digestOf))
  if (!isFolder) {
    const rest = omitted.files === 0 ? [] : [describeOmitted(one)]
    return { entities: [...described, ...rest], parts: described, values: [...described, ...rest] }
  }
  const path = folderOf(one)
  const isBelow = (_: Entity, i: number) => path !== undefined && files[i]?.name.startsWith(path) === true
  const below = described.filter(isBelow)
  const beside = described.filter((entity, i) => !isBelow(entity, i))
  const folder: Entity = {
    '@id': path === undefined ? `#${pathUri(`${role}/${parameter.name}/`)}` : pathUri(path),
    '@type': 'Dataset',
    name: parameter.name,
    description: joined(parameter.description, omissionOf(one)),
    hasPart: refsTo(below),
  }
  const parts = path === undefined ? beside : [folder, ...beside]
  return { entities: [folder, ...described], parts, values: [folder, ...beside] }
}

function describeFile(
  { name, sizeBytes }: ArchiveEntry,
  { role, parameter }: CrateParameter,
  digestOf: (name: string) => string,
): Entity {
  const shown = name.slice(role.length + 1)
  return {
    '@id': pathUri(name),
    '@type': 'File',
    name: shown,
    ...(shown === parameter.name && parameter.description !== '' && { description: parameter.description }),
    encodingFormat: formatOf(shown, parameter),
    contentSize: String(sizeBytes),
    sha256: digestOf(name),
  }
}

function formatOf(path: string, { type }: CrateParameter['parameter']): string {
  const isMetadata = type.id === 'array' && (path === ARRAY_METADATA || path.endsWith(`/${ARRAY_METADATA}`))
  if (isMetadata) return 'application/yaml'
  return path.endsWith('.geojson') ? FORMATS.geometry : FORMATS[leafOf(type).id]
}

function describeOmitted(one: CrateParameter): Entity {
  const { role, parameter, omitted } = one
  return {
    '@id': `#${pathUri(`${role}/${parameter.name}`)}`,
    '@type': 'File',
    name: parameter.name,
    description: joined(parameter.description, omissionOf(one)),
    encodingFormat: FORMATS[leafOf(parameter.type).id],
    contentSize: String(omitted.bytes),
    ...describeDigest(omitted.digest),
  }
}

/** Properties for a digest: `sha256` for that of a whole file, which other tools can verify, and `identifier` for any other. */
function describeDigest(digest: string | undefined): object {
  const sha256 = wholeSha256(digest)
  if (sha256 !== undefined) return { sha256 }
  return digest === undefined ? {} : { identifier: digest }
}

function omissionOf({ role, omitted: { files, bytes } }: CrateParameter): string {
  if (files === 0) return ''
  return `${files} file(s) with ${bytes} bytes are not in this crate, which has a limited size: download the ${role} of the run.`
}

/** Undefined when there is no text; JSON omits it. */
function joined(...sentences: readonly string[]): string | undefined {
  return sentences.filter((one) => one !== '').join(' ') || undefined
}
