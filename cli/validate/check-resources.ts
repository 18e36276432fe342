import { readFile } from 'node:fs/promises'
import * as z from 'zod'
import { largestJobOf } from '../../lib/settings/largest-job.ts'
import { queues as queuesSchema } from '../../lib/settings/queues.ts'
import type { JobQueues } from '../../src/contract/job-queues.ts'
import { type ImageSize, placeJob } from '../../src/run/job/job-size.ts'
import type { TaskDescriptor } from '../../src/task/task.ts'
import { usageError } from '../terminal/command-error.ts'
import { type Finding, warning } from './finding.ts'

const settingsSchema = z.looseObject({ queues: queuesSchema.prefault({}) })

/** Stands for the ARN that a queue gets at deployment. */
const ARN = 'not deployed'

/**
 * Queues that a settings file of a stage describes.
 * @throws CommandError when it cannot be read
 */
export async function readQueues(file: string): Promise<JobQueues> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') {
      throw usageError(`there is no file ${file}; expected the settings of a stage (JSON)`)
    }
    throw usageError(`the settings of the stage cannot be read: ${error.message}`)
  })
  let settings: unknown
  try {
    settings = JSON.parse(text)
  } catch (error) {
    throw usageError(`${file} is not JSON: ${error instanceof Error ? error.message : error}`)
  }
  const parsed = settingsSchema.safeParse(settings)
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
    throw usageError(`${file} is no settings file of a stage: ${faults.join('; ')}`)
  }
  const { internet, ec2, gpu } = parsed.data.queues
  return {
    fargate: { arn: ARN },
    ...(internet !== undefined && { internet: { arn: ARN } }),
    ...(ec2 !== undefined && { ec2: { arn: ARN, ...largestJobOf(ec2) } }),
    ...(gpu !== undefined && { gpu: { arn: ARN, ...largestJobOf(gpu), gpus: gpu.largest.gpus } }),
  }
}

/** Warns when no queue of the stage can hold the task. Without an image its size counts as nothing. */
export function checkResources(
  { resources }: TaskDescriptor,
  size: ImageSize = { packedBytes: 0, unpackedBytes: 0 },
  queues: JobQueues,
): Finding[] {
  const placed = placeJob(resources, size, queues)
  if (!('unschedulable' in placed)) return []
  return [
    warning(
      'resources',
      `no queue of the stage can hold the task, so its runs would fail: ${placed.unschedulable}`,
    ),
  ]
}
