import { ApiError, getJson, path, send } from './client.ts'
import type { Upload } from './types.ts'

/*
 * Files in parts: a page that was closed, or a line that broke, goes on with what is missing.
 */

export interface UploadProgress {
  readonly stage: 'sending' | 'importing'
  /** From 0 to 1; unknown while the bundle is checked. */
  readonly part: number | undefined
  readonly words: string
}

interface Options {
  readonly purpose: 'task' | 'input'
  readonly onProgress: (progress: UploadProgress) => void
  readonly signal: AbortSignal
}

/** Parts under way; each is a slice of the file, which the browser reads while it sends. */
const PARTS_AT_ONCE = 3
const TRIES = 5
const POLL_MS = 700

interface Part {
  readonly number: number
  readonly blob: Blob
}

/**
 * Sends a file, or what is missing of it, and waits for its import.
 * @returns the upload in its last state, READY or FAILED
 * @throws ApiError, or TypeError when the line is broken for good; what has arrived is kept for a day
 */
export async function uploadFile(file: File, options: Options): Promise<Upload> {
  const upload = (await findEarlier(file, options)) ?? (await begin(file, options))
  if (upload.state === 'CREATED' && upload.partSizeBytes !== null) await sendMissing(file, upload, options)
  const ended = await follow(upload.id, options)
  forget(file, options)
  return ended
}

/** Names the file among the uploads that this browser began. */
function noteKey({ name, size, lastModified }: File, { purpose }: Options): string {
  return `upload ${purpose} ${size} ${lastModified} ${name}`
}

function forget(file: File, options: Options): void {
  localStorage.removeItem(noteKey(file, options))
}

async function findEarlier(file: File, options: Options): Promise<Upload | undefined> {
  // An input is stored once only: its upload cannot serve a second run.
  const id = options.purpose === 'task' ? localStorage.getItem(noteKey(file, options)) : null
  if (id === null) return undefined
  const found = await getJson<Upload>(`uploads/${path(id)}`, options.signal).catch((error: unknown) => {
    if (error instanceof ApiError) return undefined
    throw error
  })
  return found === undefined || found.state === 'FAILED' || found.state === 'READY' ? undefined : found
}

async function begin(file: File, options: Options): Promise<Upload> {
  const about = { purpose: options.purpose, fileName: file.name, sizeBytes: file.size }
  const upload = await send<Upload>('POST', 'uploads', about)
  localStorage.setItem(noteKey(file, options), upload.id)
  return upload
}

async function sendMissing(file: File, upload: Upload, { onProgress, signal }: Options): Promise<void> {
  const arrived = await getJson<{ parts: readonly { partNumber: number; sizeBytes: number }[] }>(
    `uploads/${path(upload.id)}/parts`,
    signal,
  )
  const sizes = new Map(arrived.parts.map(({ partNumber, sizeBytes }) => [partNumber, sizeBytes]))
  const missing = partsOf(file, upload.partSizeBytes ?? file.size).filter(
    ({ number, blob }) => sizes.get(number) !== blob.size,
  )
  let left = missing.reduce((sum, { blob }) => sum + blob.size, 0)
  const tell = (): void =>
    onProgress({
      stage: 'sending',
      part: 1 - left / Math.max(1, file.size),
      words: 'Sending',
    })
  tell()
  const worker = async (): Promise<void> => {
    for (let part = missing.shift(); part !== undefined; part = missing.shift()) {
      await sendPart(upload.id, part, signal)
      left -= part.blob.size
      tell()
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

/** Repeated with a new address each time: one lives for minutes, a slow line may take longer. */
async function sendPart(id: string, { number, blob }: Part, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const range = { first: number, last: number }
      const { parts } = await send<{ parts: readonly { url: string }[] }>(
        'POST',
        `uploads/${path(id)}/part-urls`,
        range,
      )
      const answer = await fetch(parts[0]?.url ?? '', {
        method: 'PUT',
        body: blob,
        signal,
        credentials: 'omit',
      })
      if (answer.ok) return
      throw new Error(`The storage answered with status ${answer.status}.`)
    } catch (error) {
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
