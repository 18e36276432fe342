import * as z from 'zod'
import type { ParameterType, TaskDescriptor } from '../../src/task/task.ts'
import { CommandError } from '../terminal/command-error.ts'
import { checkDescriptor } from '../validate/check-descriptor.ts'
import type { TaskReference } from './names.ts'
import type { Service } from './service.ts'

/** Inputs as listings of tasks describe them; only arrays of files and files need more than their name. */
interface ListedType {
  readonly id: string
  readonly subType?: ListedType | undefined
}
const typeSchema: z.ZodType<ListedType> = z.lazy(() =>
  z.looseObject({ id: z.string(), subType: typeSchema.optional() }),
)
const inputsSchema = z.array(z.looseObject({ name: z.string(), type: typeSchema }))

/** A task that is installed in a service. */
export interface RemoteTask {
  readonly inputs: readonly { readonly name: string; readonly type: ParameterType }[]
  /** Undefined when this program cannot read it, as one of a newer service. */
  readonly descriptor: TaskDescriptor | undefined
}

/** @throws ServiceRefusal when there is no such task */
export async function describeTask(
  service: Service,
  { namespace, version }: TaskReference,
): Promise<RemoteTask> {
  const path = `tasks/${namespace}/${version}`
  const listed = inputsSchema.parse(await service.json(`${path}/inputs`))
  const answer = await service.call(`${path}/descriptor.yml`)
  const { descriptor } = checkDescriptor(Buffer.from(await answer.arrayBuffer()))
  return { descriptor, inputs: descriptor?.inputs ?? (listed as unknown as RemoteTask['inputs']) }
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
