import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { type OutgoingBundle, openOutgoingBundle } from '../src/import/outgoing-bundle.ts'
import type { ByteSource } from '../src/shared/byte-source.ts'
import { explainError } from './explain-error.ts'
import type { Progress } from './progress.ts'
import { type OpenUpload, partsOf, sendParts } from './send-parts.ts'
import { fileSource } from './task/file-source.ts'
import { type UploadClient, UploadRefusedError, type UploadView } from './upload-client.ts'
import { readNotes, removeNotes, type UploadNotes, writeNotes } from './upload-notes.ts'

export interface BundleUpload {
  /** Path of the bundle. */
  readonly bundle: string
  /** Base URL of the service, which ends in `/`. */
  readonly url: string
  readonly client: UploadClient
  readonly progress: Progress
  /** Between two looks at the import. */
  readonly pollMs?: number
}

const POLL_MS = 1000

/** Code of an import that failed because a layer was deleted between the question and the import. */
const LAYER_GONE = 'APPE-upload-layer-gone'

class LayerGoneError extends UploadRefusedError {}

/**
 * Uploads a bundle and waits for its import. Layers that the registry holds are not sent, nor what has arrived of a file that an
 * earlier call began to send.
 * @returns namespace and version of the task
 * @throws UploadRefusedError with the service's words, UploadBrokenError when calling again goes on
 */
export async function uploadBundle(job: BundleUpload): Promise<string> {
  try {
    return await uploadOnce(job, true)
  } catch (error) {
    // A refusal will not pass by going on.
    if (error instanceof UploadRefusedError) await removeNotes(job.bundle)
    if (!(error instanceof LayerGoneError)) throw error
  }
  job.progress.say('a layer was deleted meanwhile: sending all of them')
  return uploadOnce(job, false)
}

/** @param mayLeaveOut names the layers to the service, which says what it holds */
async function uploadOnce(job: BundleUpload, mayLeaveOut: boolean): Promise<string> {
  const info = await stat(job.bundle)
  if (!info.isFile() || info.size === 0) {
    throw new UploadRefusedError(`${job.bundle} is empty, or no file`, 400)
  }
  const whole = await fileSource(job.bundle)
  const outgoing: OutgoingBundle = mayLeaveOut
    ? await openOutgoingBundle(whole)
    : { layers: [], without: async () => whole }
  const source = { url: job.url, sizeBytes: info.size, modifiedMs: info.mtimeMs }
  const upload = (await findEarlier(job, source)) ?? (await begin(job, source, outgoing))
  if (upload.state === 'CREATED' && upload.partSizeBytes !== null) {
    const held = new Set((upload.layers ?? []).flatMap((layer) => (layer.held ? [layer.digest] : [])))
    if (held.size > 0) {
      job.progress.say(`${held.size} of ${outgoing.layers.length} layers are in the registry already`)
    }
    await sendMissing(job, await outgoing.without(held), {
      id: upload.id,
      partSizeBytes: upload.partSizeBytes,
    })
  }
  return follow(job, upload.id)
}

type Source = Omit<UploadNotes, 'uploadId'>

/** The upload of the same file that an earlier call began, unless it is gone. */
async function findEarlier(job: BundleUpload, source: Source): Promise<UploadView | undefined> {
  const notes = await readNotes(job.bundle)
  if (notes === undefined) return undefined
  const isSame =
    notes.url === source.url && notes.sizeBytes === source.sizeBytes && notes.modifiedMs === source.modifiedMs
  if (isSame) {
    const earlier = await job.client.find(notes.uploadId).catch(unlessGone)
    if (earlier !== undefined) job.progress.say(`going on with upload ${earlier.id}`)
    return earlier
  }
  job.progress.say('an earlier upload was of another state of the file: beginning anew')
  if (notes.url === source.url) await job.client.abort(notes.uploadId).catch(unlessGone)
  return undefined
}

function unlessGone(error: unknown): undefined {
  if (!(error instanceof UploadRefusedError)) throw error
}

async function begin(
  { client, bundle, progress }: BundleUpload,
  source: Source,
  { layers }: OutgoingBundle,
): Promise<UploadView> {
  const upload = await client.create({
    purpose: 'task',
    fileName: basename(bundle),
    // How much is sent depends on the answer.
    ...(layers.length > 0 ? { layers } : { sizeBytes: source.sizeBytes }),
  })
  await writeNotes(bundle, { uploadId: upload.id, ...source }).catch((error: Error) => {
    progress.say(`an upload that breaks off will begin anew: ${error.message}`)
  })
  return upload
}

async function sendMissing(
  { client, progress }: BundleUpload,
  source: ByteSource,
  { id, partSizeBytes }: Pick<OpenUpload, 'id' | 'partSizeBytes'>,
): Promise<void> {
  const { sizeBytes } = source
  const arrived = await client.parts(id)
  const all = [...partsOf({ id, sizeBytes, partSizeBytes })]
  const missing = all.filter((part) => arrived.get(part.number) !== part.sizeBytes)
  const missingBytes = missing.reduce((sum, part) => sum + part.sizeBytes, 0)
  await progress.step(`send ${formatBytes(missingBytes)} of ${formatBytes(sizeBytes)}`, async (tell) => {
    let sentBytes = 0
    const startedAt = performance.now()
    await sendParts(client, { id, source }, missing, (part) => {
      sentBytes += part.sizeBytes
      const bytesPerSecond = sentBytes / ((performance.now() - startedAt) / 1000)
      const percent = Math.floor((100 * (sizeBytes - missingBytes + sentBytes)) / sizeBytes)
      const left = formatDuration((missingBytes - sentBytes) / bytesPerSecond)
      tell(`${percent} %, ${formatBytes(bytesPerSecond)}/s, ${left} left`)
    })
    await client.complete(id)
  })
}

async function follow({ client, progress, bundle, pollMs = POLL_MS }: BundleUpload, id: string) {
  const upload = await progress.step('import', async (tell) => {
    for (;;) {
      const present = await client.find(id)
      if (present.state === 'READY') return present
      if (present.state === 'FAILED') throw importFailure(present.error)
      tell(stageOf(present))
      await wait(pollMs)
    }
  })
  await removeNotes(bundle)
  for (const { message } of upload.warnings) progress.say(`warning: ${message}`)
  return upload.task === null
    ? 'a task that was deleted since'
    : `${upload.task.namespace} ${upload.task.version}`
}

function importFailure(error: unknown): UploadRefusedError {
  const words = explainError(error)
  const { errorCode } = Object(error) as { readonly errorCode?: unknown }
  return errorCode === LAYER_GONE ? new LayerGoneError(words, 409) : new UploadRefusedError(words, 400)
}

function stageOf({ state, progress }: UploadView): string {
  if (state === 'CREATED') return 'waiting for it to begin'
  if (progress === null) return 'checking the bundle'
  const { layers, layersDone, bytes, bytesDone } = progress
  const percent = bytes === 0 ? 100 : Math.floor((100 * bytesDone) / bytes)
  return `${layersDone} of ${layers} layers, ${percent} % of ${formatBytes(bytes)}`
}

/** @example formatDuration(130) // 2 min 10 s */
function formatDuration(seconds: number): string {
  const whole = Math.ceil(seconds)
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`
}

const UNITS = ['bytes', 'kB', 'MB', 'GB'] as const

/** @example formatBytes(2_200_000_000) // 2.2 GB */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`
}
