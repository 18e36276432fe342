import { createStagingApi } from './api-client.ts'
import { wordsOf } from './retry.ts'
import { stageIn } from './stage-in.ts'
import { stageOut } from './stage-out.ts'

const USAGE = 'usage: stage-in <input folder> <output folder> | stage-out <output folder>'

/** Batch counts the attempts of one job itself. */
const ATTEMPT_VARIABLE = 'AWS_BATCH_JOB_ATTEMPT'

async function main([command, first, second]: readonly string[]): Promise<void> {
  const api = createStagingApi(process.env)
  const secondsBefore = performance.now() / 1000
  const report = (stage: 'in' | 'out') =>
    api.report({ stage, seconds: performance.now() / 1000 - secondsBefore })
  if (command === 'stage-in' && first !== undefined && second !== undefined) {
    await stageIn(api, first, second)
    return report('in')
  }
  if (command === 'stage-out' && first !== undefined) {
    await stageOut(api, first, Number(process.env[ATTEMPT_VARIABLE] ?? '1'))
    return report('out')
  }
  throw new Error(USAGE)
}

// As the first process of its container it would not end by itself when Batch terminates the job.
process.once('SIGTERM', () => process.exit(143))

try {
  await main(process.argv.slice(2))
} catch (error) {
  // One line, the last one: it becomes part of the run's failure message.
  console.error(wordsOf(error).replaceAll(/\s+/gu, ' '))
  // What other transfers are still at is of no use any more.
  process.exit(1)
}
