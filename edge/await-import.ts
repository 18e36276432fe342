import type { IncomingMessage } from 'node:http'
import { json } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import * as z from 'zod'
import type { Api } from './api.ts'
import { askAgain } from './ask-again.ts'
import { BASE_PATH } from './routes.ts'

export interface AwaitImportOptions {
  readonly api: Api
  /** Between the attempts of a call that fails for a passing reason; the first one between calls. */
  readonly pausesMs: readonly number[]
  readonly signal: AbortSignal
}

/** What 202 brings: the upload whose import goes on. */
const importingSchema = z.object({ id: z.uuid() })

/**
 * Waits for an import, which may outlast the call that began it: core takes an answer for the end, whatever its status.
 * @returns the answer itself unless it is 202, or the one that has the task.
 * @throws ApiRefusal when the import is refused
 */
export async function awaitImport(
  answer: IncomingMessage,
  { api, pausesMs, signal }: AwaitImportOptions,
): Promise<IncomingMessage> {
  let last = answer
  while (last.statusCode === 202) {
    const { id } = importingSchema.parse(await json(last))
    const call = { method: 'POST', path: `${BASE_PATH}/tasks`, body: { uploadId: id }, signal }
    // The call itself waits for the import; one that did not must not be repeated without a break.
    await pause(pausesMs[0], undefined, { signal })
    last = await askAgain(() => api.call(call), pausesMs, signal)
  }
  return last
}
