import { DEFAULT_FOLDERS, TASK_FAILED_EXIT_CODE } from '../src/contract/staging.ts'
import { createStagingApi } from './api-client.ts'
import { type LogEntry, lineOf } from './log.ts'
import { wordsOf } from './retry.ts'
import { stageIn } from './stage-in.ts'
import { stageOut } from './stage-out.ts'
import { readTaskExit } from './task-exit.ts'

const USAGE =
  'usage: stage-in <input folder> <output folder> | stage-out <output folder> [<the same in the container of the task> [<name of that container>]]'

/** Number of the job attempt, set by Batch. */
const ATTEMPT_VARIABLE = 'AWS_BATCH_JOB_ATTEMPT'

const line = (entry: LogEntry): string => lineOf(entry, process.env, new Date())

/** @returns exit code of this program */
async function main([command, first, second, third]: readonly string[]): Promise<number> {
  const api = createStagingApi(process.env)
  const secondsBefore = performance.now() / 1000
  const report = (stage: 'in' | 'out', message: string, files: number): Promise<void> => {
    const seconds = performance.now() / 1000 - secondsBefore
    console.log(line({ level: 'INFO', message, files, seconds: Math.round(seconds * 1000) / 1000 }))
    return api.report({ stage, seconds })
  }
  if (command === 'stage-in' && first !== undefined && second !== undefined) {
    await report('in', 'inputs in place', await stageIn(api, first, second))
    return 0
  }
  if (command === 'stage-out' && first !== undefined) {
    const jobAttempt = Number(process.env[ATTEMPT_VARIABLE] ?? '1')
    // Job definitions of earlier releases lack the task's folder, or its container: then stage-out waited for its success.
    const outputs = { folder: first, taskFolder: second ?? DEFAULT_FOLDERS.outputs }
    const exitCode = third === undefined ? undefined : await taskExitCode(third)
    if (exitCode === undefined || exitCode === 0) {
      await report('out', 'outputs uploaded', await stageOut(api, outputs, { jobAttempt, exitCode }))
      return 0
    }
    try {
      const files = await stageOut(api, outputs, { jobAttempt, exitCode })
      await report('out', `outputs kept of a task that ended with exit code ${exitCode}`, files)
    } catch (error) {
      // The run fails for what the task did, with or without its files.
      console.error(line({ level: 'WARN', message: `outputs not kept: ${wordsOf(error)}` }))
    }
    return TASK_FAILED_EXIT_CODE
  }
  throw new Error(USAGE)
}

async function taskExitCode(container: string): Promise<number | undefined> {
  const exit = await readTaskExit(process.env, container)
  if ('exitCode' in exit) return exit.exitCode
  const message = `the exit code of the task is not known here, AWS Batch has to report it: ${exit.problem}`
  console.error(line({ level: 'WARN', message }))
  return undefined
}

// PID 1 ignores SIGTERM by default, which Batch sends when it terminates the job.
process.once('SIGTERM', () => process.exit(143))

try {
  // Transfers that were given up may still be in progress.
  process.exit(await main(process.argv.slice(2)))
} catch (error) {
  const words = wordsOf(error).replaceAll(/\s+/gu, ' ')
  console.error(line({ level: 'ERROR', message: words }))
  // The last log line becomes part of the run's failure message.
  console.error(words)
  // Other transfers in progress are abandoned.
  process.exit(1)
}
