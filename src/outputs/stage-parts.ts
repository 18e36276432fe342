import type { ObjectStore } from '../aws/object-store.ts'
import type { PartStore } from '../aws/part-store.ts'
import { quoted } from '../contract/quoted.ts'
import type { CompleteParts, OutputName, PartUrls } from '../contract/staging.ts'
import { MIN_PART_BYTES } from '../contract/upload-limits.ts'
import type { Repositories } from '../run/find-run.ts'
import { uploadError } from '../upload/find-upload.ts'
import { findOutputPlace } from './stage-files.ts'

/*
 * Multipart upload of large outputs: one PUT is limited to 5 GB, and would start over after a lost connection. The
 * bucket's lifecycle rule removes parts that are never completed.
 */

interface Dependencies extends Repositories {
  readonly parts: PartStore
}

/** A URL expires with the session of the function that signs it; the stager requests new ones. */
const URL_SECONDS = 3600

/**
 * Key of a declared output.
 * @throws DomainError UPLOAD_INVALID for another name; those of {@link findOutputPlace}
 */
async function outputKey(
  deps: Dependencies,
  runId: string,
  secret: string,
  { jobAttempt, name }: OutputName,
): Promise<string> {
  const { task, prefix } = await findOutputPlace(deps, runId, secret, jobAttempt)
  if (task.outputs.some((output) => output.name === name)) return `${prefix}${name}`
  throw uploadError('UPLOAD_INVALID', 'name', `the task has no output ${quoted(name)}`)
}

/** Starts a multipart upload. A repeated call starts another one; the first is then unused. */
export async function beginOutputParts(
  deps: Dependencies,
  runId: string,
  secret: string,
  output: OutputName,
): Promise<{ readonly multipartId: string }> {
  const key = await outputKey(deps, runId, secret, output)
  return { multipartId: await deps.parts.start(key) }
}

/** Presigns URLs for some parts; request again when they expire. S3 refuses an id that belongs to another key. */
export async function signOutputParts(
  deps: Dependencies,
  runId: string,
  secret: string,
  { multipartId, first, count, ...output }: PartUrls,
): Promise<{ readonly urls: readonly string[] }> {
  const key = await outputKey(deps, runId, secret, output)
  const numbers = Array.from({ length: count }, (_, index) => first + index)
  const urls = numbers.map((number) => deps.parts.presignPart(key, multipartId, number, URL_SECONDS))
  return { urls: await Promise.all(urls) }
}

/**
 * Creates the output from its parts, when they have the announced size. Idempotent.
 * @throws DomainError UPLOAD_INVALID when bytes are missing or the parts no longer exist
 */
export async function completeOutputParts(
  deps: Dependencies & { readonly objects: Pick<ObjectStore, 'size'> },
  runId: string,
  secret: string,
  { multipartId, sizeBytes, ...output }: CompleteParts,
): Promise<{ readonly sizeBytes: number }> {
  const key = await outputKey(deps, runId, secret, output)
  const parts = await deps.parts.list(key, multipartId)
  if (parts !== undefined) {
    const arrived = parts.reduce((sum, part) => sum + part.sizeBytes, 0)
    if (arrived !== sizeBytes || parts.slice(0, -1).some((part) => part.sizeBytes < MIN_PART_BYTES)) {
      const words = `the ${parts.length} parts have ${arrived} bytes together; expected the announced ${sizeBytes}`
      throw uploadError('UPLOAD_INVALID', 'sizeBytes', words)
    }
    if (await deps.parts.complete(key, multipartId, parts)) return { sizeBytes }
  }
  // An earlier call, whose response was lost, may have created the object.
  if ((await deps.objects.size(key)) === sizeBytes) return { sizeBytes }
  throw uploadError('UPLOAD_INVALID', 'multipartId', 'the parts no longer exist')
}
