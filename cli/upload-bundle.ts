import { type FileHandle, open } from 'node:fs/promises'
import { basename } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { mapUntilFailure } from '../src/shared/map-until-failure.ts'
import { explainError } from './explain-error.ts'
import type { Progress } from './progress.ts'
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

/** Parts under way; each is held in memory. */
const PARTS_AT_ONCE = 4
const POLL_MS = 1000

/**
 * Uploads a bundle and waits for its import. What has arrived of a file that an earlier call began to send is not sent again.
 * @returns namespace and version of the task
 * @throws UploadRefusedError with the service's words, UploadBrokenError when calling again goes on
 */
export async function uploadBundle(job: BundleUpload): Promise<string> {
  const file = await open(job.bundle)
  try {
    const stat = await file.stat()
    const { size, mtimeMs } = stat
    if (!stat.isFile() || size === 0) throw new UploadRefusedError(`${job.bundle} is empty, or no file`, 400)
    const source = { url: job.url, sizeBytes: size, modifiedMs: mtimeMs }
    const upload = (await findEarlier(job, source)) ?? (await begin(job, source))
    if (upload.state === 'CREATED' && upload.partSizeBytes !== null) {
      await sendMissing(job, file, { id: upload.id, sizeBytes: size, partSizeBytes: upload.partSizeBytes })
    }
    return await follow(job, upload.id)
  } catch (error) {
    // A refusal will not pass by going on.
    if (error instanceof UploadRefusedError) await removeNotes(job.bundle)
    throw error
  } finally {
    await file.close()
  }
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

async function begin({ client, bundle, progress }: BundleUpload, source: Source): Promise<UploadView> {
  const upload = await client.create({
    purpose: 'task',
    fileName: basename(bundle),
    sizeBytes: source.sizeBytes,
  })
  await writeNotes(bundle, { uploadId: upload.id, ...source }).catch((error: Error) => {
    progress.say(`an upload that breaks off will begin anew: ${error.message}`)
  })
  return upload
}

/** An upload whose parts are to be sent. */
export interface OpenUpload {
  readonly id: string
  readonly sizeBytes: number
  readonly partSizeBytes: number
}

/** Where a part lies in the file. */
interface FilePart {
  readonly number: number
  readonly start: number
  readonly sizeBytes: number
}

function* partsOf({ sizeBytes, partSizeBytes }: OpenUpload): Generator<FilePart, void, undefined> {
  for (let start = 0, number = 1; start < sizeBytes; start += partSizeBytes, number += 1) {
    yield { number, start, sizeBytes: Math.min(partSizeBytes, sizeBytes - start) }
  }
}

async function sendMissing(
  { client, progress }: BundleUpload,
  file: FileHandle,
  upload: OpenUpload,
): Promise<void> {
  const { id, sizeBytes } = upload
  const arrived = await client.parts(id)
  const missing = [...partsOf(upload)].filter((part) => arrived.get(part.number) !== part.sizeBytes)
  const missingBytes = missing.reduce((sum, part) => sum + part.sizeBytes, 0)
  await progress.step(`send ${formatBytes(missingBytes)} of ${formatBytes(sizeBytes)}`, async (tell) => {
    let sentBytes = sizeBytes - missingBytes
    const startedAt = performance.now()
    const send = async (part: FilePart, signal: AbortSignal): Promise<void> => {
      await client.sendPart(id, { number: part.number, bytes: await readPart(file, part) }, signal)
      sentBytes += part.sizeBytes
      const bytesPerSecond = (sentBytes - sizeBytes + missingBytes) / ((performance.now() - startedAt) / 1000)
      const percent = Math.floor((100 * sentBytes) / sizeBytes)
      const left = formatDuration((sizeBytes - sentBytes) / bytesPerSecond)
      tell(`${percent} %, ${formatBytes(bytesPerSecond)}/s, ${left} left`)
    }
    await mapUntilFailure(missing, send, { concurrency: PARTS_AT_ONCE })
    await client.complete(id)
  })
}

/** Sends all parts of a file, several at once. */
export async function sendParts(
  client: Pick<UploadClient, 'sendPart'>,
  file: FileHandle,
  upload: OpenUpload,
): Promise<void> {
  const send = async (part: FilePart, signal: AbortSignal): Promise<void> => {
    await client.sendPart(upload.id, { number: part.number, bytes: await readPart(file, part) }, signal)
  }
  await mapUntilFailure([...partsOf(upload)], send, { concurrency: PARTS_AT_ONCE })
}

async function readPart(file: FileHandle, { start, sizeBytes }: FilePart): Promise<Buffer<ArrayBuffer>> {
  const bytes = Buffer.allocUnsafeSlow(sizeBytes)
  const { bytesRead } = await file.read(bytes, 0, sizeBytes, start)
  if (bytesRead < sizeBytes) throw new UploadRefusedError('the file has changed while it was sent', 400)
  return bytes
}

async function follow({ client, progress, bundle, pollMs = POLL_MS }: BundleUpload, id: string) {
  const upload = await progress.step('import', async (tell) => {
    for (;;) {
      const present = await client.find(id)
      if (present.state === 'READY') return present
      if (present.state === 'FAILED') throw new UploadRefusedError(explainError(present.error), 400)
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

function stageOf({ state, progress }: UploadView): string {
  if (state === 'CREATED') return 'waiting for it to begin'
  if (progress === null) return 'checking the bundle'
  const { layers, layersDone, bytes, bytesDone } = progress
  const percent = bytes === 0 ? 100 : Math.floor((100 * bytesDone) / bytes)
  return `${layersDone} of ${layers} layers, ${percent} % of ${formatBytes(bytes)}`
}

/** @example formatDuration(130) // 2 min 10 s */
export function formatDuration(seconds: number): string {
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
