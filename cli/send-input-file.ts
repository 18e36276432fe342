import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { ByteSource } from '../src/shared/byte-source.ts'
import { packSlide } from './inputs/pack-slide.ts'
import { partsOf, sendParts } from './send-parts.ts'
import type { Service } from './service/service.ts'
import { fileSource } from './task/file-source.ts'
import { CommandError } from './terminal/command-error.ts'
import { createUploadClient } from './upload-client.ts'

/** Larger files are sent as uploads, because API Gateway limits bodies to 10 MB. */
const BODY_BYTES = 3 * 1024 * 1024

/** Sends a file of any size to the route that provisions an input. */
export async function sendInputFile(service: Service, route: string, path: string): Promise<void> {
  const { size: sizeBytes } = await stat(path)
  if (sizeBytes <= BODY_BYTES) {
    const form = new FormData()
    form.set('file', new Blob([await readFile(path)]), basename(path))
    // The value is replaced, by whichever call comes last.
    await service.call(route, { method: 'POST', body: form, isRepeatable: true })
    return
  }
  const uploadId = await sendUpload(service, basename(path), await fileSource(path))
  await service.call(route, { method: 'PUT', body: { uploadId } })
}

/**
 * Sends bytes as an upload for inputs.
 * @returns the id of the upload
 */
export async function sendUpload(service: Service, fileName: string, source: ByteSource): Promise<string> {
  const client = createUploadClient(service.url, { callApi: service.fetch })
  const { sizeBytes } = source
  const { id, partSizeBytes } = await client.create({ purpose: 'input', fileName, sizeBytes })
  if (partSizeBytes === null) throw new CommandError(`the service takes no parts of ${fileName}`)
  await sendParts(client, { id, source }, partsOf({ id, sizeBytes, partSizeBytes }))
  await client.complete(id)
  return id
}

/** Sends a slide in DICOM, a folder, as the zip that clients make of it. @returns the id of the upload */
export function sendPacked(service: Service, folder: string): Promise<string> {
  return withPacked(folder, async (file) => sendUpload(service, basename(file), await fileSource(file)))
}

/** Packs a folder into a temporary zip, which is removed after `work`. */
export async function withPacked<Result>(
  folder: string,
  work: (file: string) => Promise<Result>,
): Promise<Result> {
  const place = await mkdtemp(join(tmpdir(), 'cytomine-task-'))
  try {
    const file = join(place, `${basename(folder)}.zip`)
    await packSlide(folder, file)
    return await work(file)
  } finally {
    await rm(place, { recursive: true, force: true })
  }
}
