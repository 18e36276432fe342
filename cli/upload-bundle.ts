import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { formatBytes } from '../src/contract/format.ts'
import { type OutgoingBundle, openOutgoingBundle } from '../src/import/outgoing-bundle.ts'
import type { ByteSource } from '../src/shared/byte-source.ts'
import type { Progress } from '../src/shared/progress.ts'
import { explainError } from './explain-error.ts'
import { type OpenUpload, partsOf, sendParts } from './send-parts.ts'
import { fileSource } from './task/file-source.ts'
import { createTransfer } from './transfer.ts'
import { type UploadClient, UploadRefusedError, type UploadView } from './upload-client.ts'
import { readNotes, removeNotes, type UploadNotes, writeNotes } from './upload-notes.ts'

export interface BundleUpload {
  /** Path of the bundle. */
  readonly bundle: string
  /** Base URL of the service, which ends in `/`. */
  readonly url: string
  readonly client: UploadClient
  readonly progress: Progress
  /** Messages of warnings that are printed already. */
  readonly knownWarnings?: ReadonlySet<string>
  /** Longest pause between two polls of the import. */
  readonly pollMs?: number
}

/** An import of few new layers takes half a second. */
const FIRST_POLL_MS = 50
const POLL_MS = 1000
/** Least interval between two reports of the bytes that were sent. */
const TELL_MS = 100

/** An import that has ended. */
interface UploadedBundle {
  /** Namespace and version. */
  readonly task: string
  /** Bytes that this call has sent. */
  readonly sentBytes: number
}

/** Error code: a layer that the bundle lacks was deleted from the registry before the import. */
const LAYER_GONE = 'APPE-upload-layer-gone'

class LayerGoneError extends UploadRefusedError {}

/**
 * Uploads a bundle and waits for its import. Held layers are not sent, nor the parts that an interrupted upload has sent.
 * @throws UploadRefusedError with the service's message, UploadBrokenError when the upload can be resumed
 */
export async function uploadBundle(job: BundleUpload): Promise<UploadedBundle> {
  try {
    return await uploadOnce(job, true)
  } catch (error) {
    // Resuming cannot help after a refusal.
    if (error instanceof UploadRefusedError) await removeNotes(job.bundle)
    if (!(error instanceof LayerGoneError)) throw error
  }
  job.progress.say('a layer was deleted from the registry meanwhile: sending all layers')
  return uploadOnce(job, false)
}

/** @param mayLeaveOut whether layers that the registry has may be left out of the upload */
async function uploadOnce(job: BundleUpload, mayLeaveOut: boolean): Promise<UploadedBundle> {
  const info = await stat(job.bundle)
  if (!info.isFile() || info.size === 0) {
    throw new UploadRefusedError(`${job.bundle} is empty or not a file`, 400)
  }
  const whole = await fileSource(job.bundle)
  const outgoing: OutgoingBundle = mayLeaveOut
    ? await openOutgoingBundle(whole)
    : { layers: [], without: async () => whole }
  const source = { url: job.url, sizeBytes: info.size, modifiedMs: info.mtimeMs }
  const earlier = await findEarlier(job, source)
  const upload = earlier ?? (await begin(job, source, outgoing))
  let sentBytes = 0
  if (upload.state === 'CREATED' && upload.partSizeBytes !== null) {
    const held = new Set((upload.layers ?? []).flatMap((layer) => (layer.held ? [layer.digest] : [])))
    if (held.size > 0) {
      job.progress.say(`${held.size} of ${outgoing.layers.length} layers are already in the registry`)
    }
    sentBytes = await sendMissing(job, await outgoing.without(held), {
      id: upload.id,
      partSizeBytes: upload.partSizeBytes,
      arrived: earlier === undefined ? new Map() : await job.client.parts(upload.id),
    })
  }
  return { task: await follow(job, upload.id), sentBytes }
}

type Source = Omit<UploadNotes, 'uploadId'>

/** The interrupted upload of the same file; undefined if there is none, it has expired, or it has no task. */
async function findEarlier(job: BundleUpload, source: Source): Promise<UploadView | undefined> {
  const notes = await readNotes(job.bundle)
  if (notes === undefined) return undefined
  const isSame =
    notes.url === source.url && notes.sizeBytes === source.sizeBytes && notes.modifiedMs === source.modifiedMs
  if (isSame) {
    const earlier = await job.client.find(notes.uploadId).catch(unlessGone)
    if (earlier === undefined || hasEndedInVain(earlier)) {
      await removeNotes(job.bundle)
      return undefined
    }
    job.progress.say(`resuming upload ${earlier.id}`)
    return earlier
  }
  job.progress.say('the file has changed since the earlier upload: starting over')
  if (notes.url === source.url) await job.client.abort(notes.uploadId).catch(unlessGone)
  return undefined
}

/** Whether an upload has ended without a task: its import failed, or the task has been deleted since. */
function hasEndedInVain({ state, task }: UploadView): boolean {
  return state === 'FAILED' || (state === 'READY' && task === null)
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
    // The size is not known yet if there are layers: it depends on which of them are held.
    ...(layers.length > 0 ? { layers } : { sizeBytes: source.sizeBytes }),
  })
  await writeNotes(bundle, { uploadId: upload.id, ...source }).catch((error: Error) => {
    progress.say(`cannot save the state of this upload, so it cannot be resumed: ${error.message}`)
  })
  return upload
}

interface StartedUpload extends Pick<OpenUpload, 'id' | 'partSizeBytes'> {
  /** Sizes of the parts that an earlier call has sent, by number. */
  readonly arrived: ReadonlyMap<number, number>
}

async function sendMissing(
  { client, progress }: BundleUpload,
  source: ByteSource,
  { id, partSizeBytes, arrived }: StartedUpload,
): Promise<number> {
  const { sizeBytes } = source
  const all = [...partsOf({ id, sizeBytes, partSizeBytes })]
  const missing = all.filter((part) => arrived.get(part.number) !== part.sizeBytes)
  const missingBytes = missing.reduce((sum, part) => sum + part.sizeBytes, 0)
  await progress.step(`send ${formatBytes(missingBytes)} of ${formatBytes(sizeBytes)}`, async (tell) => {
    const transfer = createTransfer({ total: sizeBytes, present: sizeBytes - missingBytes })
    let toldAt = Number.NEGATIVE_INFINITY
    await sendParts(client, { id, source }, missing, (count) => {
      const details = transfer.add(count)
      if (Date.now() - toldAt < TELL_MS) return
      toldAt = Date.now()
      tell(details)
    })
    tell(transfer.add(0))
    await client.complete(id)
  })
  return missingBytes
}

async function follow(job: BundleUpload, id: string): Promise<string> {
  const { client, progress, bundle, pollMs = POLL_MS } = job
  const upload = await progress.step('import', async (tell) => {
    for (let pauseMs = FIRST_POLL_MS; ; pauseMs *= 2) {
      const present = await client.find(id)
      if (present.state === 'READY') return present
      if (present.state === 'FAILED') throw importFailure(present.error)
      tell(stageOf(present))
      await wait(Math.min(pauseMs, pollMs))
    }
  })
  await removeNotes(bundle)
  for (const { message } of upload.warnings) {
    if (job.knownWarnings?.has(message) !== true) progress.say(`warning: ${message}`)
  }
  if (upload.task === null) {
    throw new UploadRefusedError(
      'the task was installed, and has been deleted since by another call; upload it again',
      409,
    )
  }
  return `${upload.task.namespace} ${upload.task.version}`
}

function importFailure(error: unknown): UploadRefusedError {
  const words = explainError(error)
  const { errorCode } = Object(error) as { readonly errorCode?: unknown }
  return errorCode === LAYER_GONE ? new LayerGoneError(words, 409) : new UploadRefusedError(words, 400)
}

function stageOf({ state, progress }: UploadView): string {
  if (state === 'CREATED') return 'waiting for the import to start'
  if (progress === null) return 'checking the bundle'
  const { layers, layersDone, bytes, bytesDone } = progress
  const percent = bytes === 0 ? 100 : Math.floor((100 * bytesDone) / bytes)
  return `${layersDone} of ${layers} layers, ${percent} % of ${formatBytes(bytes)}`
}
