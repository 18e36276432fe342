import { readFile, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import type { ByteSource } from '../src/shared/byte-source.ts'
import { packSlide } from './inputs/pack-slide.ts'
import { partsOf, sendParts } from './send-parts.ts'
import { ServiceLostError } from './service/answer.ts'
import type { Service } from './service/service.ts'
import { fileSource } from './task/file-source.ts'
import { withTemporaryFolder } from './temporary-folder.ts'
import { CommandError } from './terminal/command-error.ts'
import { EXIT } from './terminal/exit-codes.ts'
import { createUploadClient, UploadBrokenError } from './upload-client.ts'

/** Larger files are sent as uploads, because API Gateway limits bodies to 10 MB. */
const BODY_BYTES = 3 * 1024 * 1024

/** Sends a file of any size to the route that provisions an input. */
export async function sendInputFile(service: Service, route: string, path: string): Promise<void> {
  const { size: sizeBytes } = await stat(path)
  if (sizeBytes <= BODY_BYTES) {
    const form = new FormData()
    form.set('file', new Blob([await readFile(path)]), basename(path))
    // Repeatable: each call replaces the value.
    await service.call(route, { method: 'POST', body: form, isRepeatable: true })
    return
  }
  const uploadId = await sendUpload(service, basename(path), await fileSource(path))
  await service.call(route, { method: 'PUT', body: { uploadId } })
}

/**
 * Sends bytes as an upload for inputs.
 * @returns the id of the upload
 * @throws ServiceLostError when the upload breaks. It is not resumed: the run or set for which it was sent is gone by then.
 */
export async function sendUpload(service: Service, fileName: string, source: ByteSource): Promise<string> {
  try {
    return await sendParted(service, fileName, source)
  } catch (error) {
    if (!(error instanceof UploadBrokenError)) throw error
    throw new ServiceLostError(
      `${fileName} could not be sent to ${service.url}: ${error.message}; try again later`,
      EXIT.unavailable,
      { cause: error },
    )
  }
}

async function sendParted(service: Service, fileName: string, source: ByteSource): Promise<string> {
  const client = createUploadClient(service.url, { callApi: service.fetch, signal: service.signal })
  const { sizeBytes } = source
  const { id, partSizeBytes } = await client.create({ purpose: 'input', fileName, sizeBytes })
  if (partSizeBytes === null)
    throw new CommandError(`the service did not accept ${fileName} for an upload in parts`)
  await sendParts(client, { id, source }, partsOf({ id, sizeBytes, partSizeBytes }))
  await client.complete(id)
  return id
}

/** Packs the folder of a DICOM slide into a zip and uploads it. @returns the id of the upload */
export function sendPacked(service: Service, folder: string): Promise<string> {
  return withPacked(folder, async (file) => sendUpload(service, basename(file), await fileSource(file)))
}

/** Packs a folder into a temporary zip, which is removed after `work`. */
export async function withPacked<Result>(
  folder: string,
  work: (file: string) => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  return withTemporaryFolder(async (place) => {
    const file = join(place, `${basename(resolve(folder))}.zip`)
    await packSlide(folder, file, signal)
    return work(file)
  })
}
