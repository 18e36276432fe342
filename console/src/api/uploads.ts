import { ApiError, getJson, send } from './client.ts'
import { path } from './paths.ts'
import { putBlob } from './put-blob.ts'
import type { NewUpload, PartRange, SignedParts, Upload, UploadParts } from './types.ts'

/*
 * Resumable uploads: after a closed page or a lost connection only the missing parts are sent.
 */

export interface UploadProgress {
  readonly stage: 'sending' | 'importing'
  /** From 0 to 1; undefined while the bundle is checked. */
  readonly part: number | undefined
  readonly words: string
}

interface Options {
  readonly purpose: NewUpload['purpose']
  readonly onProgress: (progress: UploadProgress) => void
  readonly signal: AbortSignal
}

/** Maximum number of concurrent parts. The browser reads a part from the file while it sends it. */
const PARTS_AT_ONCE = 3
const TRIES = 5
const POLL_MS = 700

interface Part {
  readonly number: number
  readonly blob: Blob
}

/**
 * Sends a file, or its missing parts, and waits for its import.
 * @returns the upload in its final state, READY or FAILED
 * @throws ApiError, or TypeError when the connection cannot be restored; the parts that have arrived are kept for a day
 */
export async function uploadFile(file: File, options: Options): Promise<Upload> {
  const upload = (await findEarlier(file, options)) ?? (await begin(file, options))
  if (upload.state === 'CREATED' && upload.partSizeBytes !== null) await sendMissing(file, upload, options)
  const ended = await follow(upload.id, options)
  forget(file, options)
  return ended
}

/** Key under which this browser stores the upload's id. */
function noteKey({ name, size, lastModified }: File, { purpose }: Options): string {
  return `upload ${purpose} ${size} ${lastModified} ${name}`
}

function forget(file: File, options: Options): void {
  localStorage.removeItem(noteKey(file, options))
}

async function findEarlier(file: File, options: Options): Promise<Upload | undefined> {
  // Uploads of inputs are not resumed: each can be used by one run only.
  const id = options.purpose === 'task' ? localStorage.getItem(noteKey(file, options)) : null
  if (id === null) return undefined
  const found = await getJson<Upload>(`uploads/${path(id)}`, options.signal).catch((error: unknown) => {
    if (error instanceof ApiError) return undefined
    throw error
  })
  return found === undefined || found.state === 'FAILED' || found.state === 'READY' ? undefined : found
}

async function begin(file: File, options: Options): Promise<Upload> {
  const about: NewUpload = { purpose: options.purpose, fileName: file.name, sizeBytes: file.size }
  const upload = await send<Upload>('POST', 'uploads', about)
  localStorage.setItem(noteKey(file, options), upload.id)
  return upload
}

async function sendMissing(file: File, upload: Upload, { onProgress, signal }: Options): Promise<void> {
  const arrived = await getJson<UploadParts>(`uploads/${path(upload.id)}/parts`, signal)
  const sizes = new Map(arrived.parts.map(({ partNumber, sizeBytes }) => [partNumber, sizeBytes]))
  const missing = partsOf(file, upload.partSizeBytes ?? file.size).filter(
    ({ number, blob }) => sizes.get(number) !== blob.size,
  )
  const stored = file.size - missing.reduce((sum, { blob }) => sum + blob.size, 0)
  const sent = new Map<number, number>()
  const report = (): void => {
    const bytes = [...sent.values()].reduce((sum, one) => sum + one, stored)
    onProgress({ stage: 'sending', part: bytes / Math.max(1, file.size), words: 'Sending' })
  }
  report()
  const worker = async (): Promise<void> => {
    for (let part = missing.shift(); part !== undefined; part = missing.shift()) {
      const { number } = part
      const onSent = (bytes: number): void => {
        sent.set(number, bytes)
        report()
      }
      await sendPart(upload.id, part, { signal, onSent })
    }
  }
  await Promise.all(Array.from({ length: PARTS_AT_ONCE }, worker))
  await send('POST', `uploads/${path(upload.id)}/complete`, {})
}

function partsOf(file: File, partSizeBytes: number): Part[] {
  const count = Math.max(1, Math.ceil(file.size / partSizeBytes))
  return Array.from({ length: count }, (_, at) => ({
    number: at + 1,
    blob: file.slice(at * partSizeBytes, (at + 1) * partSizeBytes),
  }))
}

/** Sends a part, with a new URL for each attempt: a URL is valid for minutes, and a slow connection may need longer. */
async function sendPart(
  id: string,
  { number, blob }: Part,
  { signal, onSent }: Parameters<typeof putBlob>[2],
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const range: PartRange = { first: number, last: number }
      const { parts } = await send<SignedParts>('POST', `uploads/${path(id)}/part-urls`, range)
      const status = await putBlob(parts[0]?.url ?? '', blob, { signal, onSent })
      if (status === 200) return
      throw new Error(`The storage answered with status ${status}.`)
    } catch (error) {
      onSent(0)
      const isRefusal = error instanceof ApiError && error.status < 500 && error.status !== 429
      if (isRefusal || signal.aborted || attempt === TRIES) throw error
      await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** attempt))
    }
  }
}

async function follow(id: string, { onProgress, signal }: Options): Promise<Upload> {
  for (;;) {
    const upload = await getJson<Upload>(`uploads/${path(id)}`, signal)
    if (upload.state === 'READY' || upload.state === 'FAILED') return upload
    onProgress(importProgress(upload))
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    signal.throwIfAborted()
  }
}

function importProgress({ progress }: Upload): UploadProgress {
  if (progress === null) return { stage: 'importing', part: undefined, words: 'Checking the bundle' }
  const { bytes, bytesDone, layers, layersDone } = progress
  const words = `Storing the image: ${layersDone} of ${layers} layers`
  return { stage: 'importing', part: bytes === 0 ? 1 : bytesDone / bytes, words }
}
