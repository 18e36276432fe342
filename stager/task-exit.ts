import * as z from 'zod'
import { METADATA_VARIABLE } from '../src/contract/staging.ts'
import { pause as realPause } from '../src/shared/pause.ts'
import { readAtMost } from '../src/shared/read-all.ts'
import { backoff, type Pause, retry } from '../src/shared/retry.ts'
import { wordsOf } from './retry.ts'

/** Exit code of the task's container, or the reason why the ECS agent did not report it. */
export type TaskExit = { readonly exitCode: number } | { readonly problem: string }

/** Maximum size of the response, which describes three containers in some KiB. */
const MAX_ANSWER_BYTES = 256 * 1024
const REQUEST_TIMEOUT_MS = 2000

/** Seven requests, 6 s of pauses between them. */
const PAUSES = { retries: 6, firstMs: 100, longestMs: 3200 } as const

/**
 * Part of the description of the ECS task that is read.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-response.html
 */
const taskSchema = z.object({
  Containers: z.array(
    z.object({ Name: z.string(), KnownStatus: z.string(), ExitCode: z.number().int().exactOptional() }),
  ),
})

/**
 * Asks the ECS task's metadata endpoint for the exit code of a container that has ended, for at most 20 s. The endpoint
 * takes no credential and returns none. Does not throw: without an exit code from here, the engine uses the one that
 * Batch reports.
 */
export async function readTaskExit(
  environment: Readonly<Record<string, string | undefined>>,
  container: string,
  pause: Pause = realPause,
): Promise<TaskExit> {
  const base = environment[METADATA_VARIABLE]
  if (base === undefined || base === '') return { problem: `${METADATA_VARIABLE} is not set` }
  try {
    const exitCode = await retry(() => askOnce(`${base}/task`, container), {
      pausesMs: backoff(PAUSES),
      // The agent may report the end of a container only after it has started the next one.
      isRetryable: () => true,
      pause,
    })
    return { exitCode }
  } catch (error) {
    return { problem: wordsOf(error) }
  }
}

async function askOnce(url: string, container: string): Promise<number> {
  const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) })
  const tooLarge = () => new Error(`the metadata endpoint answered with more than ${MAX_ANSWER_BYTES} bytes`)
  const text = (await readAtMost(response.body ?? [], MAX_ANSWER_BYTES, tooLarge)).toString()
  if (!response.ok) throw new Error(`the metadata endpoint answered with HTTP ${response.status}`)
  const task = taskSchema.safeParse(parse(text))
  if (!task.success) throw new Error('the response of the metadata endpoint has an unexpected form')
  const found = task.data.Containers.find(({ Name }) => Name === container)
  if (found === undefined) throw new Error(`the metadata endpoint does not know the container ${container}`)
  const { KnownStatus, ExitCode } = found
  if (KnownStatus !== 'STOPPED' || ExitCode === undefined) {
    const code = ExitCode === undefined ? 'without exit code' : `with exit code ${ExitCode}`
    throw new Error(`the metadata endpoint has the container ${container} as ${KnownStatus} ${code}`)
  }
  return ExitCode
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
