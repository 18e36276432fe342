import * as z from 'zod'
import { BASE_PATH } from '../src/contract/base-path.ts'
import type { Api, ApiCall } from './api.ts'
import { retryTransient } from './retry-transient.ts'
import type { UploadPurpose } from './routes.ts'

/** An upload that accepts parts. */
export interface OpenUpload {
  readonly id: string
  readonly partSizeBytes: number
}

export interface UploadDescription {
  readonly purpose: UploadPurpose
  readonly fileName?: string
  readonly contentType?: string
}

/**
 * Maximum part size, which is the API's for uploads of unknown size. A larger one would exceed the edge's memory limit.
 */
const MAX_PART_BYTES = 16 * 1024 * 1024

const uploadSchema = z.object({
  id: z.uuid(),
  partSizeBytes: z.number().int().min(1).max(MAX_PART_BYTES),
})
const partUrlsSchema = z.object({
  parts: z.array(z.object({ partNumber: z.number(), url: z.url({ protocol: /^https?$/u }) })),
})

/** @param pausesMs Pauses between retries of each call */
export function createUploads(api: Api, pausesMs: readonly number[]) {
  const call = (request: ApiCall): Promise<unknown> =>
    retryTransient(() => api.callJson(request), pausesMs, request.signal)
  const post = (path: string, body: object, signal?: AbortSignal): Promise<unknown> =>
    call({
      method: 'POST',
      path: `${BASE_PATH}/uploads${path}`,
      body,
      ...(signal === undefined ? {} : { signal }),
    })

  return {
    async create(description: UploadDescription): Promise<OpenUpload> {
      return uploadSchema.parse(await post('', description))
    },
    /** Presigned URLs of the parts `first` to `last`, in this order. */
    async partUrls(id: string, first: number, last: number, signal: AbortSignal): Promise<readonly string[]> {
      const { parts } = partUrlsSchema.parse(await post(`/${id}/part-urls`, { first, last }, signal))
      return parts.toSorted((one, other) => one.partNumber - other.partNumber).map(({ url }) => url)
    },
    async complete(id: string, signal: AbortSignal): Promise<void> {
      await post(`/${id}/complete`, {}, signal)
    },
    /** Deletes an upload and its bytes; idempotent. */
    async discard(id: string): Promise<void> {
      const path = `${BASE_PATH}/uploads/${id}`
      await retryTransient(async () => (await api.call({ method: 'DELETE', path })).resume(), pausesMs)
    },
  }
}

/** Client of the API's `uploads` resource. */
export type Uploads = ReturnType<typeof createUploads>
