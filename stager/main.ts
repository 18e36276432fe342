import { createStagingApi } from './api-client.ts'
import { stageIn } from './stage-in.ts'
import { stageOut } from './stage-out.ts'

const USAGE = 'usage: stage-in <input folder> <output folder> | stage-out <output folder>'

/** Batch counts the attempts of one job itself. */
const ATTEMPT_VARIABLE = 'AWS_BATCH_JOB_ATTEMPT'

async function main([command, first, second]: readonly string[]): Promise<void> {
  const api = createStagingApi(process.env)
  if (command === 'stage-in' && first !== undefined && second !== undefined) {
    return stageIn(api, first, second)
  }
  if (command === 'stage-out' && first !== undefined) {
    return stageOut(api, first, Number(process.env[ATTEMPT_VARIABLE] ?? '1'))
  }
  throw new Error(USAGE)
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
