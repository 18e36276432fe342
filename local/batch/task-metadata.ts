import type { ContainerEnd } from './job.ts'

/** Faults of the endpoint that a test requests. */
export type MetadataFault = 'unavailable' | 'without-exit-code'

/** Description of one task, for as long as it runs. */
export interface TaskDescription {
  /** Value of ECS_CONTAINER_METADATA_URI_V4. */
  readonly uri: string
  started(containerName: string): void
  ended(end: ContainerEnd): void
  close(): void
}

/** A response of the endpoint. */
export interface MetadataAnswer {
  readonly status: 200 | 404 | 503
  readonly body: object
}

interface MetadataOptions {
  /** URL of this server, without a path. */
  readonly baseUrl: string
  readonly uuid: () => string
  readonly fault?: () => MetadataFault | undefined
}

/** Start of all paths of the endpoint. */
export const METADATA_PATH = '/v4/'

/**
 * The task metadata endpoint of the ECS agent, version 4, with the fields that the stager reads. Each task has an address of
 * its own that cannot be guessed.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4.html
 */
export function createTaskMetadata({ baseUrl, uuid, fault = () => undefined }: MetadataOptions) {
  const tasks = new Map<string, { readonly taskArn: string; readonly containers: Map<string, Described> }>()

  return {
    open(taskArn: string): TaskDescription {
      const id = uuid()
      const containers = new Map<string, Described>()
      tasks.set(id, { taskArn, containers })
      return {
        uri: `${baseUrl}${METADATA_PATH}${id}`,
        started: (name) => void containers.set(name, { Name: name, KnownStatus: 'RUNNING' }),
        ended: ({ name, exitCode }) =>
          void containers.set(name, {
            Name: name,
            KnownStatus: 'STOPPED',
            ...(exitCode === undefined ? {} : { ExitCode: exitCode }),
          }),
        close: () => void tasks.delete(id),
      }
    },

    /** @param path of a GET request */
    answer(path: string): MetadataAnswer {
      const [, id = ''] = /^\/v4\/([^/]+)\/task$/u.exec(path) ?? []
      const task = tasks.get(id)
      if (task === undefined) return { status: 404, body: { message: 'no such task' } }
      if (fault() === 'unavailable') return { status: 503, body: { message: 'unavailable' } }
      const known = [...task.containers.values()]
      const Containers =
        fault() === 'without-exit-code' ? known.map(({ ExitCode: _, ...rest }) => rest) : known
      return { status: 200, body: { TaskARN: task.taskArn, Containers } }
    },
  }
}

interface Described {
  readonly Name: string
  readonly KnownStatus: 'RUNNING' | 'STOPPED'
  readonly ExitCode?: number
}

export type TaskMetadata = ReturnType<typeof createTaskMetadata>
