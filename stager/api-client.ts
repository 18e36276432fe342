import { setTimeout as pause } from 'node:timers/promises'
import type { z } from 'zod'
import {
  type OutputEntry,
  RUN_SECRET_HEADER,
  STAGER_VARIABLES,
  type StagedInputs,
  type StagedOutputs,
  stagedInputsSchema,
  stagedOutputsSchema,
} from '../src/domain/staging.ts'

/** The API as one run's stager sees it. */
export interface StagingApi {
  inputs(): Promise<StagedInputs>
  outputs(jobAttempt: number, entries: readonly OutputEntry[]): Promise<StagedOutputs>
}

const ATTEMPTS = 6
/** Doubled after each failure, with jitter: about half a minute in all. */
const FIRST_PAUSE_MS = 500

/**
 * Calls that may be repeated, repeated while the other side is away (network, 429, 5xx).
 * @throws Error with the last answer when it stays away, or at once for another refusal
 */
export async function withRetry<T>(what: string, call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call()
    } catch (error) {
      if (attempt === ATTEMPTS || error instanceof RefusedError) {
        throw new Error(`${what}: ${error instanceof Error ? error.message : String(error)}`, {
          cause: error,
        })
      }
      await pause(FIRST_PAUSE_MS * 2 ** (attempt - 1) * (0.5 + Math.random() / 2))
    }
  }
}

/** An answer that will not change by asking again. */
class RefusedError extends Error {
  override readonly name = 'RefusedError'
}

/** @throws RefusedError for 4xx but 408 and 429, Error for what may pass */
export function checkStatus(status: number, text: string): void {
  if (status < 300) return
  const message = `HTTP ${status} ${text.slice(0, 500)}`
  if (status >= 400 && status < 500 && status !== 408 && status !== 429) throw new RefusedError(message)
  throw new Error(message)
}

/** @throws Error naming the variable that the job did not set */
export function createStagingApi(environment: Readonly<Record<string, string | undefined>>): StagingApi {
  const setting = (name: string): string => {
    const value = environment[name]
    if (value === undefined || value === '') throw new Error(`${name} is not set`)
    return value
  }
  const base = setting(STAGER_VARIABLES.apiUrl)
  const run = `${base}${base.endsWith('/') ? '' : '/'}task-runs/${setting(STAGER_VARIABLES.runId)}/staging/`
  const headers = {
    [RUN_SECRET_HEADER]: setting(STAGER_VARIABLES.runSecret),
    'content-type': 'application/json',
  }

  const call = <Schema extends z.ZodType>(path: string, schema: Schema, init: RequestInit) =>
    withRetry(`asking the App Engine for ${path}`, async (): Promise<z.infer<Schema>> => {
      const response = await fetch(`${run}${path}`, { ...init, headers })
      const text = await response.text()
      checkStatus(response.status, text)
      return schema.parse(JSON.parse(text))
    })
  return {
    inputs: () => call('inputs', stagedInputsSchema, { method: 'GET' }),
    outputs: (jobAttempt, entries) =>
      call('outputs', stagedOutputsSchema, {
        method: 'POST',
        body: JSON.stringify({ jobAttempt, entries }),
      }),
  }
}
