import type { ObjectStore } from '../aws/object-store.ts'
import type { PartStore } from '../aws/part-store.ts'
import { quoted } from '../contract/quoted.ts'
import type { CompleteParts, OutputName, PartUrls } from '../contract/staging.ts'
import { MIN_PART_BYTES } from '../contract/upload-limits.ts'
import type { Repositories } from '../run/find-run.ts'
import { uploadError } from '../upload/find-upload.ts'
import { findOutputPlace } from './stage-files.ts'

/*
 * Outputs that are too large for one PUT, which S3 ends at 5 GB, or that would have to be sent again as a whole when the
 * connection breaks: the stager sends parts, and S3 puts them together. What nobody completes, the bucket forgets.
 */

interface Dependencies extends Repositories {
  readonly parts: PartStore
}

/** A URL lives no longer than the session of the function that signs it; the stager asks again. */
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

/** Begins an output in parts. A repeated call begins another, which does no harm. */
export async function beginOutputParts(
  deps: Dependencies,
  runId: string,
  secret: string,
  output: OutputName,
): Promise<{ readonly multipartId: string }> {
  const key = await outputKey(deps, runId, secret, output)
  return { multipartId: await deps.parts.start(key) }
}

/** URLs for some parts; to be asked for again when they expire. An id of another key opens nothing: S3 compares them. */
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
 * Makes the output of its parts, when these are as many bytes as announced. May be repeated after a lost answer.
 * @throws DomainError UPLOAD_INVALID when bytes are missing or the parts are gone
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
      const words = `${arrived} bytes came in ${parts.length} parts, ${sizeBytes} were announced`
      throw uploadError('UPLOAD_INVALID', 'sizeBytes', words)
    }
    if (await deps.parts.complete(key, multipartId, parts)) return { sizeBytes }
  }
  // An earlier call may have made the object, and its answer got lost.
  if ((await deps.objects.size(key)) === sizeBytes) return { sizeBytes }
  throw uploadError('UPLOAD_INVALID', 'multipartId', 'the parts are gone')
}
