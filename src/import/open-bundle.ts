import { comparableName } from '../archive/zip/entry-name.ts'
import { openZip, readZipEntry, type ZipArchive, type ZipEntry } from '../archive/zip/read-zip.ts'
import { objectSource } from '../aws/object-source.ts'
import type { ObjectStore } from '../aws/object-store.ts'
import type { DomainError } from '../contract/errors.ts'
import { printable, someOf } from '../contract/quoted.ts'
import type { ByteSource } from '../shared/byte-source.ts'
import type { TaskDescriptor } from '../task/task.ts'
import { refusal } from './import-refusal.ts'

/** Maximum size of a descriptor, far above any real one. The parser has its own limits for the parsed document. */
export const MAX_DESCRIPTOR_BYTES = 1024 * 1024
/** Maximum size of a logo: the API's responses are limited to some 4 MB. */
const MAX_LOGO_BYTES = 4 * 1024 * 1024
const NAMES_SHOWN = 10
const MAX_NAME_LENGTH = 100

/** A task bundle, its content unread except for the descriptor. */
export interface Bundle {
  readonly zip: ZipArchive
  readonly descriptor: Buffer
}

export interface BundleObject {
  readonly source: ByteSource
  readonly etag: string
}

/**
 * Opens the bundle and reads its descriptor, at any position in the archive.
 * @throws DomainError, ZipFormatError, ObjectExchangedError
 */
export async function openBundle({ source }: BundleObject): Promise<Bundle> {
  const zip = await openZip(source)
  const descriptor = findDescriptor(zip)
  if (descriptor === undefined) {
    throw refusal('INTERNAL_DESCRIPTOR_NOT_IN_DEFAULT_LOCATION', 'descriptor', noDescriptor(zip))
  }
  return { zip, descriptor: await readZipEntry(zip, descriptor, MAX_DESCRIPTOR_BYTES) }
}

function noDescriptor(zip: ZipArchive): string {
  const found = `descriptor.yml must be in the root of the bundle, which has ${listNames(zip)}`
  const misnamed = zip.entries.find(({ name }) => /^descriptor\.ya?ml\.[^/]*$/iu.test(name))
  if (misnamed === undefined) return `${found}: zip the files themselves, not the folder around them`
  const name = printable(misnamed.name, MAX_NAME_LENGTH)
  return `${found}: ${name} ends with an extension that Windows and macOS hide; show the extensions of files, rename it to descriptor.yml and zip again`
}

/** Decodes the descriptor; a byte order mark is dropped. */
export function decodeDescriptor(descriptor: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(descriptor)
  } catch (error) {
    const words = 'descriptor.yml is not UTF-8 text: save it in that encoding'
    throw refusal('INTERNAL_DESCRIPTOR_EXTRACTION_FAILED', 'descriptor', words, error)
  }
}

/**
 * Finds the image archive, in the order of the descriptor contract, 1.1.
 * @throws DomainError INTERNAL_DOCKER_IMAGE_TAR_NOT_FOUND
 */
export function findImageEntry(zip: ZipArchive, descriptor: TaskDescriptor): ZipEntry {
  const { namespace, version, imageFile } = descriptor
  const named = imageFile === undefined ? '' : fromRoot(imageFile)
  const wanted = [named, `${namespace}-${version}.tar`, 'image.tar'].filter((place) => place !== '')
  const places = [...new Set(wanted)]
  const find = finderOf(zip)
  for (const place of places) {
    const entry = find(place)
    if (entry !== undefined) return entry
  }
  const tars = zip.entries.filter(({ name }) => /\.tar$/iu.test(name))
  if (tars.length === 1 && tars[0] !== undefined) return tars[0]
  const tried = places.map((place) => printable(place, MAX_NAME_LENGTH)).join(', ')
  throw refusal(
    'INTERNAL_DOCKER_IMAGE_TAR_NOT_FOUND',
    'image',
    `looked for ${tried}, or a single .tar anywhere; the bundle has ${listNames(zip)}: ${imageAdvice(zip)}`,
  )
}

/** Finds an entry by its exact name, otherwise by {@link comparableName} when only one matches. */
function finderOf(zip: ZipArchive): (name: string) => ZipEntry | undefined {
  const byName = new Map(zip.entries.map((entry) => [entry.name, entry]))
  const alike = Map.groupBy(zip.entries, ({ name }) => comparableName(name))
  return (name) => {
    const others = alike.get(comparableName(name)) ?? []
    return byName.get(name) ?? (others.length === 1 ? others[0] : undefined)
  }
}

function imageAdvice(zip: ZipArchive): string {
  const packed = zip.entries.find(({ name }) => /\.(?:tgz|tar\.(?:gz|xz|zst|bz2))$/iu.test(name))
  return packed === undefined
    ? 'name the right file in configuration.image.file, or call it image.tar'
    : `decompress ${printable(packed.name, MAX_NAME_LENGTH)}, and put the .tar into the bundle`
}

/** Normalizes a path: `/image.tar` and `./image.tar` are the file `image.tar` in the root. */
function fromRoot(path: string): string {
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')
}

/** Tag that the documentation recommends for the image (descriptor contract, 1.1); needed only with several images. */
export function documentedTag({ namespace, version }: TaskDescriptor): string {
  return `${namespace.replaceAll('.', '/')}:${version}`
}

/** The logo in the root of the bundle, if any. */
export async function readLogo(zip: ZipArchive): Promise<Buffer | undefined> {
  const logo = zip.entries.find(({ name }) => name.toLowerCase() === 'logo.png')
  if (logo === undefined) return undefined
  if (logo.sizeBytes > MAX_LOGO_BYTES) {
    const words = `the logo has ${logo.sizeBytes} bytes; at most ${MAX_LOGO_BYTES} are allowed: make the picture smaller`
    throw refusal('INTERNAL_INVALID_BUNDLE_FORMAT', 'logo', words)
  }
  return await readZipEntry(zip, logo, MAX_LOGO_BYTES)
}

/** Finds the descriptor, ignoring case in its name; `.yml` takes precedence over `.yaml`. */
export function findDescriptor(zip: ZipArchive): ZipEntry | undefined {
  for (const wanted of ['descriptor.yml', 'descriptor.yaml']) {
    const found =
      zip.entries.find(({ name }) => name === wanted) ??
      zip.entries.find(({ name }) => name.toLowerCase() === wanted)
    if (found !== undefined) return found
  }
  return undefined
}

/**
 * Finds the bundle under a key; all reads are from this version of the object.
 * @throws DomainError INTERNAL_DESCRIPTOR_EXTRACTION_FAILED when there is none
 */
export async function findBundle(
  objects: Pick<ObjectStore, 'find' | 'read'>,
  key: string,
): Promise<BundleObject> {
  const found = await objects.find(key)
  const missing = (): DomainError =>
    refusal(
      'INTERNAL_DESCRIPTOR_EXTRACTION_FAILED',
      'bundle',
      'the bundle is no longer in storage: upload it again',
    )
  if (found === undefined) throw missing()
  const source = objectSource(objects, { key, ...found }, (exchanged) => exchanged ?? missing())
  return { source, etag: found.etag }
}

function listNames(zip: ZipArchive): string {
  if (zip.entries.length === 0) return 'no files'
  return someOf(
    zip.entries.map(({ name }) => printable(name, MAX_NAME_LENGTH)),
    NAMES_SHOWN,
  )
}
