import * as z from 'zod'
import type { TaskInput } from '../../lambdas/api/openapi/task-schemas.ts'
import type { TaskDescriptor } from '../../src/task/task.ts'
import type { Declared, ListedType } from '../inputs/parse-inputs.ts'
import { CommandError } from '../terminal/command-error.ts'
import { checkDescriptor } from '../validate/check-descriptor.ts'
import type { TaskReference } from './names.ts'
import type { FieldsOf } from './schemas.ts'
import type { Service } from './service.ts'

const typeSchema: z.ZodType<ListedType> = z.lazy(() =>
  z.looseObject({ id: z.string(), subType: typeSchema.optional() }),
)
const inputsSchema = z.array(
  z.looseObject({ name: z.string(), type: typeSchema } satisfies FieldsOf<TaskInput>),
)

/** A task that is installed in a service. */
export interface RemoteTask {
  readonly inputs: readonly Declared[]
  /** Undefined when this program cannot parse it; the service may be newer. */
  readonly descriptor: TaskDescriptor | undefined
}

/** @throws ServiceRefusal when there is no such task */
export async function describeTask(
  service: Service,
  { namespace, version }: TaskReference,
): Promise<RemoteTask> {
  const path = `tasks/${namespace}/${version}`
  const listed = await service.json(`${path}/inputs`, inputsSchema)
  const answer = await service.call(`${path}/descriptor.yml`)
  const { descriptor } = checkDescriptor(Buffer.from(await answer.arrayBuffer()))
  return { descriptor, inputs: descriptor?.inputs ?? listed }
}

/** @throws CommandError when there is no such task, or its descriptor cannot be read */
export async function requireDescriptorOf(
  service: Service,
  reference: TaskReference,
): Promise<TaskDescriptor> {
  const { descriptor } = await describeTask(service, reference)
  if (descriptor !== undefined) return descriptor
  const { namespace, version } = reference
  throw new CommandError(
    `the descriptor of ${namespace}/${version} cannot be read by this version of cytomine-task; install a newer one`,
  )
}
