import { readFile } from 'node:fs/promises'
import * as z from 'zod'
import stageSchema from '../../docs/settings.schema.json' with { type: 'json' }
import { largestJobOf } from '../../lib/settings/largest-job.ts'
import { queues as queuesSchema } from '../../lib/settings/queues.ts'
import type { JobQueues } from '../../src/contract/job-queues.ts'
import { quoted } from '../../src/contract/quoted.ts'
import { type ImageSize, placeJob } from '../../src/run/job/job-size.ts'
import type { TaskDescriptor } from '../../src/task/task.ts'
import { usageError } from '../terminal/command-error.ts'
import { type Finding, RESOURCES_CURE, warning } from './finding.ts'

const settingsSchema = z.looseObject({ queues: queuesSchema.prefault({}) })

/** Placeholder of the ARN that a queue gets at deployment. */
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
    const faults = parsed.error.issues.map(({ path, message }) =>
      path.length === 0 ? `${message}; expected an object of settings` : `${path.join('.')}: ${message}`,
    )
    throw usageError(`${file} is not a valid settings file: ${faults.join('; ')}`)
  }
  const unknown = Object.keys(parsed.data).filter((key) => !Object.hasOwn(stageSchema.properties, key))
  if (unknown.length > 0) {
    const names = Object.keys(stageSchema.properties).join(', ')
    throw usageError(
      `${file} is not a valid settings file: ${unknown.map((key) => quoted(key)).join(', ')} is not a setting of a stage; expected ${names}`,
    )
  }
  const { internet, ec2, gpu } = parsed.data.queues
  return {
    fargate: { arn: ARN },
    ...(internet !== undefined && { internet: { arn: ARN } }),
    ...(ec2 !== undefined && { ec2: { arn: ARN, ...largestJobOf(ec2) } }),
    ...(gpu !== undefined && { gpu: { arn: ARN, ...largestJobOf(gpu), gpus: gpu.largest.gpus } }),
  }
}

/** Warns when no queue of the stage can run the task. Without an image, a size of 0 is assumed. */
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
      `no queue of the stage can run the task, so its runs would fail: ${placed.unschedulable}; ${RESOURCES_CURE}`,
    ),
  ]
}
