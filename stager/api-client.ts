import type { z } from 'zod'
import {
  begunPartsSchema,
  type CompleteParts,
  completedPartsSchema,
  type OutputEntry,
  type OutputName,
  type PartUrls,
  RUN_SECRET_HEADER,
  STAGER_VARIABLES,
  type StagedInputs,
  type StagedOutputs,
  type StageReport,
  signedPartsSchema,
  stagedInputsSchema,
  stagedOutputsSchema,
} from '../src/contract/staging.ts'
import { type RetrySettings, StatusError, withRetry } from './retry.ts'
import { TRANSFER_SETTINGS } from './settings.ts'

/** Time-out of a call, which API Gateway ends after 29 s. */
const TIMEOUT_MS = 35_000
const REPORT_TIMEOUT_MS = 5_000

/** @throws Error naming the variable that the job did not set */
export function createStagingApi(
  environment: Readonly<Record<string, string | undefined>>,
  settings: RetrySettings = TRANSFER_SETTINGS,
) {
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

  const call = <Schema extends z.ZodType>(
    path: string,
    schema: Schema,
    body?: object,
  ): Promise<z.infer<Schema>> =>
    withRetry(`requesting ${path} from the App Engine`, settings, async () => {
      const response = await fetch(`${run}${path}`, {
        headers,
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      })
      const answer = await response.json().catch(() => undefined)
      if (!response.ok) throw refusal(response.status, answer)
      return parseAnswer(schema, answer)
    })
  return {
    inputs: (): Promise<StagedInputs> => call('inputs', stagedInputsSchema),
    outputs: (jobAttempt: number, entries: readonly OutputEntry[]): Promise<StagedOutputs> =>
      call('outputs', stagedOutputsSchema, { jobAttempt, entries }),
    /** Starts the multipart upload of an output. */
    beginParts: (output: OutputName): Promise<{ readonly multipartId: string }> =>
      call('parts', begunPartsSchema, output),
    /** URLs of parts, in order. */
    partUrls: async (parts: PartUrls): Promise<readonly string[]> =>
      (await call('parts/urls', signedPartsSchema, parts)).urls,
    completeParts: async (output: CompleteParts): Promise<void> =>
      void (await call('parts/complete', completedPartsSchema, output)),
    report: (report: StageReport): Promise<void> => sendReport(`${run}report`, headers, report),
  }
}

/**
 * Sends the report once, with a short time-out, because the machine costs money meanwhile. Failures are ignored:
 * the report is for statistics only.
 */
async function sendReport(
  url: string,
  headers: Readonly<Record<string, string>>,
  report: StageReport,
): Promise<void> {
  const signal = AbortSignal.timeout(REPORT_TIMEOUT_MS)
  await fetch(url, { method: 'POST', headers, body: JSON.stringify(report), signal }).then(
    (response) => response.arrayBuffer().catch(() => undefined),
    () => undefined,
  )
}

/** Client of the API for the stager of one run. */
export type StagingApi = ReturnType<typeof createStagingApi>

function parseAnswer<Schema extends z.ZodType>(schema: Schema, answer: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(answer)
  // The validation error is omitted, because it could contain a presigned URL.
  if (!parsed.success) throw new Error('the response of the App Engine has an unexpected form')
  return parsed.data
}

/** Error for the contract's error body, which has a code, a message, and sometimes an explanation in its details. */
function refusal(status: number, answer: unknown): StatusError {
  const { errorCode, message, details } = (answer ?? {}) as {
    readonly errorCode?: unknown
    readonly message?: unknown
    readonly details?: { readonly description?: unknown }
  }
  const words = [message, details?.description].filter((text) => typeof text === 'string').join(': ')
  return new StatusError(status, typeof errorCode === 'string' ? errorCode : undefined, words.slice(0, 500))
}
