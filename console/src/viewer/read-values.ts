import { ApiError, BASE, path } from '../api/client.ts'
import type { ErrorBody } from '../api/types.ts'
import type { ReadValues, ValuesAnswer } from './values.ts'
import workerAddress from './values.worker.ts?worker&url'

interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL(text: string): string },
  ): { createScriptURL(text: string): string }
}

/** Trusted Types policy: only the worker's own URL may be loaded as a script. */
const scripts = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes?.createPolicy('console', {
  createScriptURL(text) {
    if (text !== workerAddress) throw new TypeError('unknown script')
    return text
  },
})

/** @throws ApiError; TypeError when the service does not answer */
export function readValues(
  runId: string,
  kind: 'inputs' | 'outputs',
  signal: AbortSignal,
): Promise<ReadValues> {
  const address = new URL(`task-runs/${path(runId)}/${kind}`, BASE).href
  const worker = new Worker(scripts?.createScriptURL(workerAddress) ?? workerAddress, { type: 'module' })
  return new Promise<ReadValues>((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
    worker.onerror = () => reject(new Error('The values cannot be read.'))
    worker.onmessage = ({ data }: MessageEvent<ValuesAnswer>) => {
      if ('values' in data) resolve({ values: data.values, shapes: new Map(data.shapes) })
      else reject(data.status === 0 ? new TypeError(data.body) : new ApiError(data.status, bodyOf(data.body)))
    }
    worker.postMessage(address)
  }).finally(() => worker.terminate())
}

function bodyOf(text: string): ErrorBody | undefined {
  try {
    return JSON.parse(text) as ErrorBody
  } catch {
    return undefined
  }
}
