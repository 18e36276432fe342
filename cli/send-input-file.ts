import { readFile, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { partsOf, sendParts } from './send-parts.ts'
import type { Service } from './service/service.ts'
import { fileSource } from './task/file-source.ts'
import { CommandError } from './terminal/command-error.ts'
import { createUploadClient } from './upload-client.ts'

/** Larger files go as uploads: API Gateway takes bodies of some MB. */
const BODY_BYTES = 3 * 1024 * 1024

/** Sends a file, of any size, to the route that provisions an input. */
export async function sendInputFile(service: Service, route: string, path: string): Promise<void> {
  const { size: sizeBytes } = await stat(path)
  if (sizeBytes <= BODY_BYTES) {
    const form = new FormData()
    form.set('file', new Blob([await readFile(path)]), basename(path))
    await service.call(route, { method: 'POST', body: form })
    return
  }
  const client = createUploadClient(service.url, { callApi: service.fetch })
  const { id, partSizeBytes } = await client.create({ purpose: 'input', fileName: basename(path), sizeBytes })
  if (partSizeBytes === null) throw new CommandError(`the service takes no parts of ${path}`)
  await sendParts(client, { id, source: await fileSource(path) }, partsOf({ id, sizeBytes, partSizeBytes }))
  await client.complete(id)
  await service.call(route, { method: 'PUT', body: { uploadId: id } })
}
