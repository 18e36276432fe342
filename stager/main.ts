import { DEFAULT_FOLDERS } from '../src/contract/staging.ts'
import { createStagingApi } from './api-client.ts'
import { type LogEntry, lineOf } from './log.ts'
import { wordsOf } from './retry.ts'
import { stageIn } from './stage-in.ts'
import { stageOut } from './stage-out.ts'

const USAGE =
  'usage: stage-in <input folder> <output folder> | stage-out <output folder> [<the same in the container of the task>]'

/** Number of the job attempt, set by Batch. */
const ATTEMPT_VARIABLE = 'AWS_BATCH_JOB_ATTEMPT'

const line = (entry: LogEntry): string => lineOf(entry, process.env, new Date())

async function main([command, first, second]: readonly string[]): Promise<void> {
  const api = createStagingApi(process.env)
  const secondsBefore = performance.now() / 1000
  const report = (stage: 'in' | 'out', message: string, files: number): Promise<void> => {
    const seconds = performance.now() / 1000 - secondsBefore
    console.log(line({ level: 'INFO', message, files, seconds: Math.round(seconds * 1000) / 1000 }))
    return api.report({ stage, seconds })
  }
  if (command === 'stage-in' && first !== undefined && second !== undefined) {
    return report('in', 'inputs in place', await stageIn(api, first, second))
  }
  if (command === 'stage-out' && first !== undefined) {
    const attempt = Number(process.env[ATTEMPT_VARIABLE] ?? '1')
    // Job definitions of the first releases lack the task's folder.
    const outputs = { folder: first, taskFolder: second ?? DEFAULT_FOLDERS.outputs }
    return report('out', 'outputs uploaded', await stageOut(api, outputs, attempt))
  }
  throw new Error(USAGE)
}

// PID 1 ignores SIGTERM by default, which Batch sends when it terminates the job.
process.once('SIGTERM', () => process.exit(143))

try {
  await main(process.argv.slice(2))
} catch (error) {
  const words = wordsOf(error).replaceAll(/\s+/gu, ' ')
  console.error(line({ level: 'ERROR', message: words }))
  // The last log line becomes part of the run's failure message.
  console.error(words)
  // Other transfers in progress are abandoned.
  process.exit(1)
}
