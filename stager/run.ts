import { DEFAULT_FOLDERS, TASK_FAILED_EXIT_CODE } from '../src/contract/staging.ts'
import { createStagingApi } from './api-client.ts'
import { type LogEntry, lineOf } from './log.ts'
import { wordsOf } from './retry.ts'
import { stageIn } from './stage-in.ts'
import { stageOut } from './stage-out.ts'
import { readTaskExit } from './task-exit.ts'

const USAGE =
  'usage: stage-in <input folder> <output folder> | stage-out <output folder> [<output folder in the task container> [<name of the task container>]]'

/** Number of the job attempt, set by Batch. */
const ATTEMPT_VARIABLE = 'AWS_BATCH_JOB_ATTEMPT'

/** Environment and log of the stager's container. */
export interface StagerContext {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly console: Pick<Console, 'error' | 'log'>
}

/**
 * Runs one command of the stager. The transfers that it abandoned after an error may still be in progress at the end.
 * @returns exit code
 */
export async function runStager(words: readonly string[], context: StagerContext): Promise<number> {
  try {
    return await stage(words, context)
  } catch (error) {
    const message = wordsOf(error).replaceAll(/\s+/gu, ' ')
    log(context, { level: 'ERROR', message })
    // The last log line becomes part of the run's failure message.
    context.console.error(message)
    return 1
  }
}

function log({ environment, console }: StagerContext, entry: LogEntry): void {
  const line = lineOf(entry, environment, new Date())
  if (entry.level === 'INFO') console.log(line)
  else console.error(line)
}

async function stage(
  [command, first, second, third]: readonly string[],
  context: StagerContext,
): Promise<number> {
  const { environment } = context
  const api = createStagingApi(environment)
  const secondsBefore = performance.now() / 1000
  const report = (stage: 'in' | 'out', message: string, files: number): Promise<void> => {
    const seconds = performance.now() / 1000 - secondsBefore
    log(context, { level: 'INFO', message, files, seconds: Math.round(seconds * 1000) / 1000 })
    return api.report({ stage, seconds })
  }
  if (command === 'stage-in' && first !== undefined && second !== undefined) {
    await report('in', 'inputs in place', await stageIn(api, first, second))
    return 0
  }
  if (command === 'stage-out' && first !== undefined) {
    const jobAttempt = Number(environment[ATTEMPT_VARIABLE] ?? '1')
    // Job definitions of earlier releases lack the task's folder, or its container: their stage-out starts only after a
    // task that succeeded.
    const outputs = { folder: first, taskFolder: second ?? DEFAULT_FOLDERS.outputs }
    const exitCode = third === undefined ? undefined : await taskExitCode(third, context)
    if (exitCode === undefined || exitCode === 0) {
      await report('out', 'outputs uploaded', await stageOut(api, outputs, { jobAttempt, exitCode }))
      return 0
    }
    try {
      const files = await stageOut(api, outputs, { jobAttempt, exitCode })
      await report('out', `outputs kept of a task that ended with exit code ${exitCode}`, files)
    } catch (error) {
      // The run fails because of the task, whether its files are kept or not.
      log(context, { level: 'WARN', message: `outputs not kept: ${wordsOf(error)}` })
    }
    return TASK_FAILED_EXIT_CODE
  }
  throw new Error(USAGE)
}

async function taskExitCode(container: string, context: StagerContext): Promise<number | undefined> {
  const exit = await readTaskExit(context.environment, container)
  if ('exitCode' in exit) return exit.exitCode
  const message = `the exit code of the task is not known here; AWS Batch has to report it: ${exit.problem}`
  log(context, { level: 'WARN', message })
  return undefined
}
