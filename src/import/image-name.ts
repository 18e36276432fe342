import { createHash } from 'node:crypto'

/** Maximum length of a tag in registries (OCI distribution specification, "Pulling manifests"). */
const MAX_TAG_LENGTH = 128
const MAX_SLUG_LENGTH = 80

/** Repository and tag of a task's image. */
export interface ImageName {
  /** Without registry host. */
  readonly repository: string
  readonly tag: string
}

/**
 * Unique image name of a task version. Namespaces may contain characters that repositories may not (upper case, `_`, an
 * empty first label), so a digest makes the name unique; the readable part is for people.
 * @example imageName('tasks', 'com.Example.count', '1.0.0+b1')
 * // { repository: 'tasks/com-example-count-<32 hex digits>', tag: '1.0.0_b1' }
 */
export function imageName(prefix: string, namespace: string, version: string): ImageName {
  const slug = namespace
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/gu, '-')
    .slice(0, MAX_SLUG_LENGTH)
    .replaceAll(/^-|-$/gu, '')
  const digest = sha256(namespace).slice(0, 32)
  return { repository: `${prefix}/${slug === '' ? digest : `${slug}-${digest}`}`, tag: imageTag(version) }
}

/** Tags cannot contain `+`, and versions cannot contain `_` or start with a letter. */
function imageTag(version: string): string {
  return version.length > MAX_TAG_LENGTH ? `sha256-${sha256(version)}` : version.replaceAll('+', '_')
}

function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}
