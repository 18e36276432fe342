import type { IncomingMessage } from 'node:http'
import { json } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import * as z from 'zod'
import { BASE_PATH } from '../src/contract/base-path.ts'
import type { Api } from './api.ts'
import { retryTransient } from './retry-transient.ts'

export interface AwaitImportOptions {
  readonly api: Api
  /** Pauses between retries of a call; the first one also separates two calls. */
  readonly pausesMs: readonly number[]
  readonly signal: AbortSignal
}

/** Body of a 202: the upload that is being imported. */
const importingSchema = z.object({ id: z.uuid() })

/**
 * Polls an import until its final response. Core does not poll: it takes every response as final, even a 202.
 * @returns the given response unless its status is 202
 * @throws ApiRefusal when the import fails
 */
export async function awaitImport(
  answer: IncomingMessage,
  { api, pausesMs, signal }: AwaitImportOptions,
): Promise<IncomingMessage> {
  let last = answer
  while (last.statusCode === 202) {
    const { id } = importingSchema.parse(await json(last))
    const call = { method: 'POST', path: `${BASE_PATH}/tasks`, body: { uploadId: id }, signal }
    // The API keeps this call open during the import. The pause bounds the rate if it does not.
    await pause(pausesMs[0], undefined, { signal })
    last = await retryTransient(() => api.call(call), pausesMs, signal)
  }
  return last
}
