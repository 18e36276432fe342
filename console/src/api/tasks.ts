import { call, getJson, send } from './client.ts'
import type { Descriptor } from './descriptor.ts'
import { path } from './paths.ts'
import type { ImageScan, Page, Placement, RunRow, Task, TaskInput, TaskOutput } from './types.ts'

/** Namespace and version of a task, which identify it in URLs. */
export type TaskKey = Pick<Task, 'namespace' | 'version'>

const taskPath = ({ namespace, version }: TaskKey): string => `tasks/${path(namespace, version)}`

export function listTasks(signal?: AbortSignal): Promise<readonly Task[]> {
  return getJson('tasks', signal)
}

/** A task with its parameters and its descriptor. */
export interface WholeTask {
  readonly task: Task
  readonly inputs: readonly TaskInput[]
  readonly outputs: readonly TaskOutput[]
  readonly descriptor: Descriptor
}

/** @throws ApiError for an unknown task */
export async function readTask(key: TaskKey, signal?: AbortSignal): Promise<WholeTask> {
  const [task, inputs, outputs, source, { parseDescriptor, withLimits }] = await Promise.all([
    getJson<Task>(taskPath(key), signal),
    getJson<TaskInput[]>(`${taskPath(key)}/inputs`, signal),
    getJson<TaskOutput[]>(`${taskPath(key)}/outputs`, signal),
    call(`${taskPath(key)}/descriptor.yml`, { signal }).then((answer) => answer.text()),
    import('./descriptor.ts'),
  ])
  const descriptor = parseDescriptor(source)
  return {
    task,
    inputs: inputs.map((input) => withLimits(input, descriptor.inputs[input.name])),
    outputs: outputs.map((output) => withLimits(output, descriptor.outputs[output.name])),
    descriptor,
  }
}

export function readPlacement(key: TaskKey, signal?: AbortSignal): Promise<Placement> {
  return getJson(`${taskPath(key)}/placement`, signal)
}

export function readScan(key: TaskKey, signal?: AbortSignal): Promise<ImageScan> {
  return getJson(`${taskPath(key)}/scan`, signal)
}

export function deleteTask(key: TaskKey): Promise<void> {
  return send('DELETE', taskPath(key))
}

/** URL of the logo, relative to the page; 404 for a task without one. */
export function logoAddress(key: TaskKey): string {
  return `../${taskPath(key)}/logo`
}

/** The newest runs of a task. */
export async function lastRuns(
  taskId: string,
  limit: number,
  signal?: AbortSignal,
): Promise<readonly RunRow[]> {
  const page = await getJson<Page<RunRow>>(
    `task-runs?${new URLSearchParams({ taskId, limit: String(limit) })}`,
    signal,
  )
  return page.content
}
