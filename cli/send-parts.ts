import type { ByteSource } from '../src/shared/byte-source.ts'
import { mapUntilFailure } from '../src/shared/map-until-failure.ts'
import { readAll } from '../src/shared/read-all.ts'
import { type UploadClient, UploadRefusedError } from './upload-client.ts'

/** Maximum number of concurrent parts; each is in memory as a whole. */
const PARTS_AT_ONCE = 4

/** An upload whose parts are to be sent. */
export interface OpenUpload {
  readonly id: string
  readonly sizeBytes: number
  readonly partSizeBytes: number
}

/** Number of a part and its range of the bytes. */
export interface FilePart {
  readonly number: number
  readonly start: number
  readonly sizeBytes: number
}

/** Splits an upload into parts. */
export function* partsOf({ sizeBytes, partSizeBytes }: OpenUpload): Generator<FilePart, void, undefined> {
  for (let start = 0, number = 1; start < sizeBytes; start += partSizeBytes, number += 1) {
    yield { number, start, sizeBytes: Math.min(partSizeBytes, sizeBytes - start) }
  }
}

/**
 * Sends parts concurrently.
 * @param onBytes called for each piece of a part
 */
export async function sendParts(
  client: Pick<UploadClient, 'sendPart'>,
  { id, source }: { readonly id: string; readonly source: ByteSource },
  parts: Iterable<FilePart>,
  onBytes?: (count: number) => void,
): Promise<void> {
  const send = async (part: FilePart, signal: AbortSignal): Promise<void> => {
    const { number } = part
    await client.sendPart(id, { number, bytes: await readPart(source, part), onBytes }, signal)
  }
  await mapUntilFailure([...parts], send, { concurrency: PARTS_AT_ONCE })
}

async function readPart(source: ByteSource, { start, sizeBytes }: FilePart): Promise<Buffer<ArrayBuffer>> {
  const bytes = Buffer.from(await readAll(await source.read(start, sizeBytes)))
  if (bytes.length < sizeBytes) throw new UploadRefusedError('the file was changed during the upload', 400)
  return bytes
}
