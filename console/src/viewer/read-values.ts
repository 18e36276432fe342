import { ApiError, BASE } from '../api/client.ts'
import { path } from '../api/paths.ts'
import type { ErrorBody } from '../api/types.ts'
import type { Compared } from '../pages/compare/comparison.ts'
import type { Repeated } from '../pages/run/program/programs.ts'
import type { Answer, Kind, Questions, Results } from './questions.ts'
import type { ReadValues } from './values.ts'
import workerAddress from './values.worker.ts?worker&url'

/* Lists of inputs and outputs, which may have 50 MB, and are therefore parsed by a worker. */

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

export type ValueKind = 'inputs' | 'outputs'

const addressOf = (runId: string, kind: ValueKind): string =>
  new URL(`task-runs/${path(runId)}/${kind}`, BASE).href

/** @throws ApiError; TypeError when the service does not answer */
export async function readValues(runId: string, kind: ValueKind, signal: AbortSignal): Promise<ReadValues> {
  const { values, shapes } = await ask('values', { address: addressOf(runId, kind) }, signal)
  return { values, shapes: new Map(shapes) }
}

/**
 * Compares values of two runs; undefined: a run that has none yet.
 * @throws like {@link readValues}
 */
export function compareRuns(
  [one, other]: readonly [string | undefined, string | undefined],
  kind: ValueKind,
  signal: AbortSignal,
): Promise<readonly Compared[]> {
  const addresses = [one && addressOf(one, kind), other && addressOf(other, kind)] as const
  return ask('comparison', { addresses }, signal)
}

/**
 * Programs that repeat a run.
 * @throws like {@link readValues}
 */
export function readPrograms(run: Omit<Repeated, 'base'>, signal: AbortSignal): Promise<Results['programs']> {
  const repeated = { ...run, base: BASE.href }
  return ask('programs', { address: addressOf(run.runId, 'inputs'), repeated }, signal)
}

function ask<Of extends Kind>(kind: Of, question: Questions[Of], signal: AbortSignal): Promise<Results[Of]> {
  const worker = new Worker(scripts?.createScriptURL(workerAddress) ?? workerAddress, { type: 'module' })
  return new Promise<Results[Of]>((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
    worker.onerror = () => reject(new Error('The values cannot be read.'))
    worker.onmessage = ({ data }: MessageEvent<Answer<Of>>) => {
      if ('result' in data) resolve(data.result)
      else reject(data.status === 0 ? new TypeError(data.body) : new ApiError(data.status, bodyOf(data.body)))
    }
    worker.postMessage({ kind, ...question })
  }).finally(() => worker.terminate())
}

function bodyOf(text: string): ErrorBody | undefined {
  try {
    return JSON.parse(text) as ErrorBody
  } catch {
    return undefined
  }
}
